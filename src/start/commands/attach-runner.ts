import { createToken } from '../../api/auth/tokens.ts'
import { ApiClient } from '../../client/client.ts'
import { findProven } from '../../client/http-client.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import { Attachments } from '../../runner/attach/attachments.ts'
import { type Identity, IdentityFile } from '../../runner/attach/identity.ts'
import { serveSockets } from '../../runner/attach/serve-sockets.ts'
import type { Runner } from '../../runner/runner.ts'
import { ownTokenFor } from '../own-token.ts'
import { leaveRunners } from './leave-runners.ts'

export interface AttachRunner {
  /** The URLs of the dispatchers; at least one. */
  readonly urls: readonly string[]
  /** For joining, if necessary. */
  readonly token?: string | undefined
  /** Whether it leaves the list on exit. */
  readonly ephemeral: boolean
  readonly tls?: ClientTls | undefined
  readonly log: Logger
  readonly signal: AbortSignal
}

/** A runner that stays attached until it is disposed. */
export interface AttachedRunner extends AsyncDisposable {
  /** Rejects when it can no longer be attached. */
  readonly ended: Promise<void>
}

/** Keeps the runner attached until disposal; an ephemeral one then leaves the list. */
export function keepAttached(
  runner: Runner,
  options: Omit<AttachRunner, 'signal'>,
): AttachedRunner {
  const detach = new AbortController()
  const ended = attachRunner(runner, { ...options, signal: detach.signal })
  return {
    ended,
    [Symbol.asyncDispose]: async () => {
      detach.abort(new NarwhalError('cancelled', 'the runner stops'))
      await ended.catch(() => undefined)
      if (options.ephemeral) await leaveRunners(runner.dataDir, options)
    },
  }
}

/**
 * Keeps the runner attached to all dispatchers until aborted; joins first, unless it has an identity.
 * Rejects with `unauthenticated` if the runner was removed, and as joining does.
 */
export async function attachRunner(runner: Runner, options: AttachRunner): Promise<void> {
  const { urls, token, tls, log, signal } = options
  const file = new IdentityFile(runner.dataDir)
  await using server = serveSockets(runner, log)
  let identity = await file.find(urls)
  let hasJoined = false
  for (;;) {
    if (identity?.runnerId === undefined) {
      const secret = identity?.secret ?? createToken('identity')
      // Saved before it is sent: after a crash the next start is the same runner.
      await file.save({ dispatchers: [...urls], name: runner.name, secret })
      identity = await join(runner, secret, options)
      await file.save(identity)
      hasJoined = true
    }
    if (identity.name !== runner.name) {
      log.warn({ name: identity.name }, 'keeping the name under which this runner has joined')
    }
    const { secret } = identity
    const attachments = new Attachments({
      urls,
      identity: secret,
      log,
      tls,
      serve: (socket) => server.serve(socket),
      listDispatchers: (url, patience) =>
        new ApiClient({ server: url, token: secret, tls }, patience).listDispatchers(),
    })
    try {
      return await attachments.run(signal)
    } catch (error) {
      if (NarwhalError.from(error).code !== 'unauthenticated') throw error
      if (hasJoined || attachments.wasAttached || !token) throw removed(identity, error)
      // Removed while it was offline, with a token to rejoin.
      log.warn({ reason: describeError(error) }, 'identity is no longer valid: joining again')
      await file.forget(identity)
      identity = undefined
    }
  }
}

/** Tries each URL in turn, and retries while no dispatcher is reachable. */
async function join(
  { name, labels, dataDir }: Runner,
  secret: string,
  { urls, token, tls, log, signal, ephemeral }: AttachRunner,
): Promise<Identity> {
  for (let failures = 0; ; failures++) {
    for (const server of urls) {
      try {
        const shown = token === undefined ? ownTokenFor(server, dataDir) : { token }
        const proven = await findProven({ server, tls, ...shown }, signal)
        const about = { name, labels: [...labels], identity: secret, ephemeral }
        const body = { ...about, ...present({ token: shown?.token }) }
        const client = new ApiClient({ server: proven.server, tls }, signal)
        const { runner } = await client.joinRunner(body)
        log.info({ runner: runner.id, dispatcher: server }, 'joined')
        const refused = labels.filter((label) => !runner.labels.includes(label))
        if (refused.length > 0) {
          log.warn({ labels: refused }, 'labels not granted by the token are ignored')
        }
        return { dispatchers: [...urls], runnerId: runner.id, name: runner.name, secret }
      } catch (reason) {
        const error = NarwhalError.from(reason)
        if (error.code !== 'unavailable' && error.code !== 'exhausted') throw error
        if (failures === 0) {
          log.warn({ reason: error.message }, 'no dispatcher reachable to join: retrying')
        }
      }
    }
    await backoff(failures, { firstMs: 200, maxMs: 5_000 }, signal)
  }
}

function removed({ name }: Identity, cause: unknown): NarwhalError {
  return new NarwhalError(
    'unauthenticated',
    `runner ${name} was removed from Narwhal: to add it again, create a token with \`narwhal runner token\` and start it with that`,
    { cause },
  )
}
