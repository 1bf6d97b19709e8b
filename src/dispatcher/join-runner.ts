import { createToken, hashToken } from '../api/tokens.ts'
import type { Doer } from '../core/audit.ts'
import { NarwhalError } from '../lib/errors.ts'
import { newId } from '../lib/new-id.ts'
import type { RunnerRecord } from '../store/records.ts'
import type { Store, StoreWriter } from '../store/store.ts'
import { newRunner } from './new-runner.ts'

export interface JoinRequest {
  readonly name: string
  readonly labels: readonly string[]
  /** A registration token, or an administrator's access token. */
  readonly token?: string | undefined
}

/**
 * Registers a runner that will attach itself, and makes its identity, which is in the answer and
 * nowhere else.
 *
 * - With a registration token: once, with no labels but the token's, under a name that is free.
 * - With an administrator's access token: with any labels, and also under the name of a runner that
 *   is not connected: that one is then this one.
 *
 * Rejects with `unauthenticated` for a token that lets nobody join, in the same words whatever is
 * wrong with it, `forbidden` for labels that it does not allow, and `conflict` for a name that is
 * taken; a token is as good as before then.
 */
export async function joinRunner(
  store: Store,
  request: JoinRequest,
  from: Pick<Doer, 'address' | 'cause'>,
): Promise<{ runner: RunnerRecord; identity: string }> {
  const identity = createToken('identity')
  const { result: runner } = await store.transact(async (write) => {
    const id = newId('runner')
    const { allowedLabels, ...admitted } = await admit(write, request, id)
    const former = await write.findRunner(request.name)
    if (former && (allowedLabels || isConnected(former))) throw nameTaken(former)
    const record: RunnerRecord = {
      ...newRunner({ id, name: request.name, link: 'attached' }, former),
      labels: request.labels,
      identityHash: hashToken(identity),
      ...(allowedLabels ? { allowedLabels } : {}),
    }
    await write.saveRunner(record)
    const runner = { kind: 'runner', id: record.id, name: record.name } as const
    const { joinToken } = admitted
    write.audit(
      { actor: admitted.actor ?? runner, address: from.address, cause: from.cause },
      {
        action: 'runner.joined',
        subject: record,
        after: { labels: record.labels, joinToken, replaces: former !== undefined },
      },
    )
    return record
  })
  return { runner, identity }
}

interface Admission {
  /** The labels that the runner may have; absent: any. */
  readonly allowedLabels?: readonly string[]
  readonly joinToken?: string
  /** Whose access token it is; absent: the runner comes by a token of its own. */
  readonly actor?: Doer['actor']
}

async function admit(
  write: StoreWriter,
  { token, labels }: JoinRequest,
  id: RunnerRecord['id'],
): Promise<Admission> {
  if (token === undefined) {
    throw new NarwhalError(
      'unauthenticated',
      'a token is needed to join: make one with `narwhal runner token`',
    )
  }
  const hash = hashToken(token)
  const user = await write.findUserByToken(hash)
  if (user?.role === 'admin') return { actor: { kind: 'token', id: user.id, name: user.name } }
  const used = await write.useJoinToken({ hash, at: Date.now(), runnerId: id })
  if (!used) {
    throw new NarwhalError(
      'unauthenticated',
      'this token lets no runner join: it is unknown, was used, or has expired; make another with `narwhal runner token`',
    )
  }
  const refused = labels.filter((label) => !used.labels.includes(label))
  if (refused.length === 0) return { allowedLabels: used.labels, joinToken: used.id }
  const allowed = used.labels.length > 0 ? `allows only ${used.labels.join(', ')}` : 'allows none'
  throw new NarwhalError(
    'forbidden',
    `this token ${allowed} of the labels ${labels.join(', ')}: make one that allows them with \`narwhal runner token --labels\``,
  )
}

function isConnected({ state }: RunnerRecord): boolean {
  return state !== 'offline'
}

function nameTaken({ name }: RunnerRecord): NarwhalError {
  return new NarwhalError(
    'conflict',
    `there is a runner named ${name} already: choose another name, or remove that one first with \`narwhal runner remove ${name}\``,
  )
}
