import { type Doer, systemDoer } from '../../core/audit/audit.ts'
import type { RunnerId } from '../../core/ids.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Reads } from '../../store/store.ts'

const EVERY_MS = 3_600_000

export interface RunnerKeeping {
  readonly store: Reads<'runners'>
  readonly pool: { remove(id: RunnerId, by: Doer): Promise<void> }
  readonly log: Logger
  readonly keepMs: number
  /** The time between two rounds; an hour by default. */
  readonly everyMs?: number
}

/**
 * Removes runners that have joined by themselves and have not been seen for `keepMs`, in the background:
 * machines that come and go would fill the list. Their attempts keep their names. Runners registered by a
 * person stay. The first round is delayed: after a start runners need time to connect.
 */
export function keepRunners(keeping: RunnerKeeping): AsyncDisposable {
  const { log, everyMs = EVERY_MS } = keeping
  return keepDoing({
    everyMs,
    firstMs: everyMs,
    work: async () => void (await removeLost(keeping, Date.now())),
    onError: (error) => log.warn({ reason: describeError(error) }, 'removing lost runners failed'),
  })
}

/** One round; returns how many runners were removed. */
export async function removeLost(
  { store, pool, log, keepMs }: Pick<RunnerKeeping, 'store' | 'pool' | 'log' | 'keepMs'>,
  now: number,
): Promise<number> {
  const lost = (await store.runners.list()).filter((one) => isLost(one, now - keepMs))
  for (const { id, name } of lost) {
    await pool.remove(id, systemDoer('retention', '--keep-runners'))
    log.info({ runner: name }, 'lost runner removed')
  }
  return lost.length
}

function isLost({ link, state, lastSeenAt, registeredAt }: Runner, before: number): boolean {
  return link.kind === 'attached' && state === 'offline' && (lastSeenAt ?? registeredAt) < before
}
