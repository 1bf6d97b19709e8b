import { hostname } from 'node:os'
import { firstAdmin } from '../api/auth/first-admin.ts'
import { createToken, hashToken } from '../api/auth/tokens.ts'
import { systemDoer } from '../core/audit/audit.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { newId } from '../lib/new-id.ts'
import { createPrivately, replacePrivately } from '../lib/private-file.ts'
import { isLoopbackUrl } from '../lib/reach/loopback.ts'
import { type OwnTokenKind, ownTokenPath, readOwnToken } from '../lib/reach/own-token.ts'
import type { Uses } from '../store/store.ts'

const MAX_FAILURES = 3

export interface OwnToken {
  readonly token: string
  /** Whether it was created now. */
  readonly isNew: boolean
}

/**
 * Makes sure that the data folder has an administrator's access token, for the command line and the
 * runners of the same user on this machine. A valid one is kept; otherwise one is created, and if the
 * store has none at all, the configured one becomes the first.
 */
export async function ensureOwnToken(
  store: Uses<'tokens' | 'transact'>,
  folder: string,
  chosen?: string,
): Promise<OwnToken> {
  for (let failures = 0; ; failures++) {
    try {
      return await tryOwnToken(store, folder, chosen)
    } catch (error) {
      // Another process with the same new store did this concurrently.
      if (NarwhalError.from(error).code !== 'conflict' || failures === MAX_FAILURES) throw error
    }
  }
}

async function tryOwnToken(
  store: Uses<'tokens' | 'transact'>,
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
  // Before the store has it: a token that is only in the file is harmless.
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

/** The configured runner token, or the one of the data folder, which is created if missing. */
export function ensureRunnerToken(folder: string, chosen: string | undefined): string {
  if (chosen) return chosen
  const made = createToken('dial')
  createPrivately(ownTokenPath(folder, 'runner'), `${made}\n`)
  // Concurrent processes all read the same one.
  return readOwnToken(folder, 'runner') ?? made
}

/**
 * The credential for a server at this URL: the access token of the shared data folder, if the server is on
 * this machine. Must be called for each try, since the token may be created meanwhile.
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
    const message = `can't write the access token to ${path}: ${describeError(cause)}`
    throw new NarwhalError('invalid', message, { cause })
  }
}
