import { createToken, hashToken, isTokenShaped } from '../../api/auth/tokens.ts'
import type { Doer } from '../../core/audit/audit.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import { isInRange } from '../../lib/reach/reach.ts'
import type { JoinTokenRecord } from '../../store/records.ts'
import type { Store, StoreWriter } from '../../store/store.ts'
import { newRunner } from '../runners/new-runner.ts'

export interface JoinRequest {
  readonly name: string
  readonly labels: readonly string[]
  /** A registration token, or an administrator's access token. */
  readonly token?: string | undefined
  /** What it will show, where it has made that itself. */
  readonly identity?: string | undefined
  readonly ephemeral?: boolean
}

/**
 * Registers a runner that will attach itself. Its identity is its own, written down before it came; or is made
 * here, and is in the answer and nowhere else.
 *
 * - With an identity that is known: it is that runner, which has not heard the answer, or was started again before
 *   it could write that down. Nothing changes, and no token is used up.
 * - With a join token: as often as that allows, with those of the labels that the token grants, under a
 *   name that is free.
 * - With an administrator's access token: with all its labels, and also under the name of a runner that
 *   is not connected: that one is then this one.
 *
 * Rejects with `unauthenticated` for a token that lets nobody join, in the same words for all that
 * were never ours, and `conflict` for a name that is taken; a token is as good as before then.
 */
export async function joinRunner(
  store: Store,
  request: JoinRequest,
  from: Pick<Doer, 'address' | 'cause'>,
): Promise<{ runner: Runner; identity: string }> {
  const identity = request.identity ?? createToken('identity')
  if (!isTokenShaped(identity)) {
    throw new NarwhalError('invalid', 'identity: it is damaged, since its sum does not fit')
  }
  const identityHash = hashToken(identity)
  const { result: runner } = await store.transact(async (write) => {
    const known = request.identity && (await write.runners.findByIdentity(identityHash))
    if (known) return known
    const id = newId('runner')
    const { used, actor } = await admit(write, request, { id, from: from.address })
    const former = await write.runners.find(request.name)
    if (former && (used || isConnected(former))) throw nameTaken(former)
    const link = { kind: 'attached', identityHash } as const
    const record: Runner = {
      ...newRunner({ id, name: request.name, link }, former),
      labels: used ? request.labels.filter((one) => used.labels.includes(one)) : request.labels,
      ...(request.ephemeral ? { ephemeral: true } : {}),
      ...present({ allowedLabels: used?.labels }),
    }
    await write.runners.save(record)
    const runner = { kind: 'runner', id: record.id, name: record.name } as const
    const by = { actor: actor ?? runner, address: from.address, cause: from.cause }
    const { labels, ephemeral: isEphemeral } = record
    write.audit.add(by, {
      action: 'runner.joined',
      subject: { id: record.id, name: record.name },
      after: { labels, joinToken: used?.id, replaces: former !== undefined, isEphemeral },
    })
    return record
  })
  return { runner, identity }
}

interface Admission {
  /** The join token that lets it in; absent: an administrator does. */
  readonly used?: JoinTokenRecord
  /** Whose access token it is; absent: the runner comes by a token of its own. */
  readonly actor?: Doer['actor']
}

async function admit(
  write: StoreWriter,
  { token }: JoinRequest,
  { id, from }: { readonly id: Runner['id']; readonly from: string },
): Promise<Admission> {
  if (token === undefined) {
    throw new NarwhalError(
      'unauthenticated',
      'a token is needed to join: make one with `narwhal runner token`',
    )
  }
  const hash = hashToken(token)
  const user = await write.tokens.findUser(hash)
  if (user?.role === 'admin' && !user.limits?.repositories)
    return { actor: { kind: 'token', id: user.id, name: user.name } }
  const { sources } = (await write.joinTokens.find(hash)) ?? {}
  if (sources && !sources.some((range) => isInRange(from, range))) {
    const words = `this token lets no runner join from ${from}: make one for that range with \`narwhal runner token --from\``
    throw new NarwhalError('unauthenticated', words)
  }
  const used = await write.joinTokens.use({ hash, at: Date.now(), runnerId: id })
  if (used) return { used }
  throw new NarwhalError(
    'unauthenticated',
    `${whyNot(await write.joinTokens.find(hash))}; make another with \`narwhal runner token\``,
  )
}

/** Who holds a token that was good once may know why it is not; of others nothing is told. */
function whyNot(token: JoinTokenRecord | undefined): string {
  if (!token) return 'this token lets no runner join'
  if (token.expiresAt <= Date.now()) {
    return `this token has expired at ${new Date(token.expiresAt).toISOString()}`
  }
  return `this token was used by ${token.used} of ${token.uses} runners`
}

function isConnected({ state }: Runner): boolean {
  return state !== 'offline'
}

function nameTaken({ name }: Runner): NarwhalError {
  return new NarwhalError(
    'conflict',
    `there is a runner named ${name} already: choose another name, or remove that one first with \`narwhal runner remove ${name}\``,
  )
}
