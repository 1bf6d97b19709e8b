import { setTimeout as sleep } from 'node:timers/promises'
import { systemDoer } from '../../core/audit/audit.ts'
import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Uses } from '../../store/store.ts'

const EVERY_MS = 3_600_000
/** Entries per transaction, during which others wait: some milliseconds. */
const AT_A_TIME = 200
/** The pause between two transactions. */
const PAUSE_MS = 20

export interface AuditKeeping {
  readonly store: Uses<'transact'>
  readonly log: Logger
  readonly keepMs: number
  /** The time between two rounds; an hour by default. */
  readonly everyMs?: number
}

/** Deletes audit log entries older than `keepMs`, in the background. */
export function keepAudit({
  store,
  log,
  keepMs,
  everyMs = EVERY_MS,
}: AuditKeeping): AsyncDisposable {
  return keepDoing({
    everyMs,
    work: async (signal) => {
      const removed = await prune(store, Date.now() - keepMs, signal)
      if (removed > 0) log.info({ entries: removed }, 'audit log pruned')
    },
    onError: (error) => log.warn({ reason: describeError(error) }, 'pruning the audit log failed'),
  })
}

async function prune(
  store: Uses<'transact'>,
  before: number,
  signal: AbortSignal,
): Promise<number> {
  const by = systemDoer('retention', '--keep-audit')
  let removed = 0
  for (;;) {
    const { result } = await store.transact((write) =>
      write.audit.prune(by, { before, limit: AT_A_TIME }),
    )
    removed += result
    if (result < AT_A_TIME) return removed
    await sleep(PAUSE_MS, undefined, { signal })
  }
}
