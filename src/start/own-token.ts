import { hostname } from 'node:os'
import { firstAdmin } from '../api/auth/first-admin.ts'
import { createToken, hashToken } from '../api/auth/tokens.ts'
import { systemDoer } from '../core/audit/audit.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { newId } from '../lib/new-id.ts'
import { createPrivately, replacePrivately } from '../lib/private-file.ts'
import { isLoopbackUrl } from '../lib/reach/loopback.ts'
import { type OwnTokenKind, ownTokenPath, readOwnToken } from '../lib/reach/own-token.ts'
import type { Store } from '../store/store.ts'

const MOST_FAILURES = 3

export interface OwnToken {
  readonly token: string
  /** Whether it was not there before. */
  readonly isNew: boolean
}

/**
 * Sees to it that the data folder has an administrator's access token, for the command line and the
 * runners of the same user on this machine. One that is there stays as long as it opens the store;
 * otherwise one is made, and where the store has none at all, the one that was chosen is the first.
 */
export async function ensureOwnToken(
  store: Store,
  folder: string,
  chosen?: string,
): Promise<OwnToken> {
  for (let failures = 0; ; failures++) {
    try {
      return await tryOwnToken(store, folder, chosen)
    } catch (error) {
      // Another process on the same new store has made the same at the same moment.
      if (NarwhalError.from(error).code !== 'conflict' || failures === MOST_FAILURES) throw error
    }
  }
}

async function tryOwnToken(
  store: Store,
  folder: string,
  chosen: string | undefined,
): Promise<OwnToken> {
  const found = readOwnToken(folder, 'access')
  const user = found ? await store.tokens.findUser(hashToken(found)) : undefined
  if (found && user?.role === 'admin' && !user.limits) {
    return { token: found, isNew: false }
  }
  const isFirst = (await store.tokens.list()).length === 0
  const token = isFirst && chosen ? chosen : createToken()
  // Before the store knows it: what stands in the file alone opens nothing.
  keep(folder, 'access', token)
  await store.transact(async (write) => {
    const by = systemDoer('start', 'the start of the process')
    const { id: userId, name: user, role } = await firstAdmin(write, by)
    const name = isFirst ? 'first' : `on ${hostname()}`
    const record = { id: newId('token'), name, hash: hashToken(token), createdAt: Date.now() }
    await write.tokens.insert({ ...record, userId })
    write.audit.add(by, { action: 'token.created', subject: record, after: { user, role } })
  })
  return { token, isNew: true }
}

/** The runner token that was chosen, or the one of the data folder, which is made where there is none. */
export function ensureRunnerToken(folder: string, chosen: string | undefined): string {
  if (chosen) return chosen
  const made = createToken('dial')
  createPrivately(ownTokenPath(folder, 'runner'), `${made}\n`)
  // Of several that make it at once, all have the same.
  return readOwnToken(folder, 'runner') ?? made
}

/**
 * What a process of this machine shows to one at this URL: the access token of the data folder that
 * both have, if it is on this machine. Looked up anew for each try, since it may be made meanwhile.
 */
export function ownTokenFor(
  url: string,
  folder: string,
): { readonly token: string; readonly isOwnToken: true } | undefined {
  const token = isLoopbackUrl(url) ? readOwnToken(folder, 'access') : undefined
  return token === undefined ? undefined : { token, isOwnToken: true }
}

function keep(folder: string, kind: OwnTokenKind, token: string): void {
  const path = ownTokenPath(folder, kind)
  try {
    replacePrivately(path, `${token}\n`)
  } catch (cause) {
    const words = `the access token can't be kept in ${path}: ${describeError(cause)}`
    throw new NarwhalError('invalid', words, { cause })
  }
}
