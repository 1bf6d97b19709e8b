import { createToken, hashToken, isTokenShaped } from '../../api/auth/tokens.ts'
import type { Doer } from '../../core/audit/audit.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import { isInRange } from '../../lib/reach/reach.ts'
import type { JoinTokenRecord } from '../../store/records.ts'
import type { Uses, Writes } from '../../store/store.ts'
import { newRunner } from '../runners/new-runner.ts'

export interface JoinRequest {
  readonly name: string
  readonly labels: readonly string[]
  /** A registration token, or an administrator's access token. */
  readonly token?: string | undefined
  /** Its identity, if it has created that itself. */
  readonly identity?: string | undefined
  readonly ephemeral?: boolean
}

/**
 * Registers a runner that will attach itself. Its identity was created and saved by the runner, or is created
 * here and returned once, never stored.
 *
 * - With a known identity: it is that runner, which has not received the response, or was restarted before it
 *   could save it. Idempotent: nothing changes, and no use of a token is spent.
 * - With a join token: as often as that allows, with those of its labels that the token grants, under a free
 *   name.
 * - With an administrator's access token: with all its labels, and also under the name of a runner that is
 *   not connected, which it replaces.
 *
 * Rejects with `unauthenticated` for an invalid token, with the same message for all that were never ours,
 * and `conflict` for a name that is taken; no use of a token is spent then.
 */
export async function joinRunner(
  store: Uses<'transact'>,
  request: JoinRequest,
  from: Pick<Doer, 'address' | 'cause'>,
): Promise<{ runner: Runner; identity: string }> {
  const identity = request.identity ?? createToken('identity')
  if (!isTokenShaped(identity)) {
    throw new NarwhalError('invalid', 'identity: it is damaged, its checksum does not match')
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
      ...present({ ephemeral: request.ephemeral || undefined, allowedLabels: used?.labels }),
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
  /** The join token that was used; absent: an administrator's access token was. */
  readonly used?: JoinTokenRecord
  /** The owner of the access token; absent: a join token was used. */
  readonly actor?: Doer['actor']
}

async function admit(
  write: Writes<'joinTokens' | 'tokens'>,
  { token }: JoinRequest,
  { id, from }: { readonly id: Runner['id']; readonly from: string },
): Promise<Admission> {
  if (token === undefined) {
    throw new NarwhalError(
      'unauthenticated',
      'a token is needed to join: create one with `narwhal runner token`',
    )
  }
  const hash = hashToken(token)
  const user = await write.tokens.findUser(hash)
  if (user?.role === 'admin' && !user.limits?.repositories)
    return { actor: { kind: 'token', id: user.id, name: user.name } }
  const { sources } = (await write.joinTokens.find(hash)) ?? {}
  if (sources && !sources.some((range) => isInRange(from, range))) {
    const words = `this token does not allow joining from ${from}: create one for that range with \`narwhal runner token --from\``
    throw new NarwhalError('unauthenticated', words)
  }
  const used = await write.joinTokens.use({ hash, at: Date.now(), runnerId: id })
  if (used) return { used }
  throw new NarwhalError(
    'unauthenticated',
    `${whyNot(await write.joinTokens.find(hash))}; create another with \`narwhal runner token\``,
  )
}

/** The holder of a token that was once valid may know why it isn't; others learn nothing. */
function whyNot(token: JoinTokenRecord | undefined): string {
  if (!token) return 'this token does not allow joining'
  if (token.expiresAt <= Date.now()) {
    return `this token expired at ${new Date(token.expiresAt).toISOString()}`
  }
  return `this token has been used by ${token.used} of ${token.uses} runners`
}

function isConnected({ state }: Runner): boolean {
  return state !== 'offline'
}

function nameTaken({ name }: Runner): NarwhalError {
  return new NarwhalError(
    'conflict',
    `a runner named ${name} already exists: choose another name, or remove that one first with \`narwhal runner remove ${name}\``,
  )
}
