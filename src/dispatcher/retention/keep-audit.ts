import { setTimeout as sleep } from 'node:timers/promises'
import { systemDoer } from '../../core/audit/audit.ts'
import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Store } from '../../store/store.ts'

const EVERY_MS = 3_600_000
/** So many entries go in one transaction, which others wait for: some milliseconds. */
const AT_A_TIME = 200
/** Between two of them, so that others have their turns. */
const PAUSE_MS = 20

export interface AuditKeeping {
  readonly store: Store
  readonly log: Logger
  readonly keepMs: number
  /** How long between two looks; an hour unless told. */
  readonly everyMs?: number
}

/** Removes entries of the audit log that are older than they are to be kept, in the background. */
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
      if (removed > 0) log.info({ entries: removed }, 'old entries of the audit log were removed')
    },
    onError: (error) => log.warn({ reason: describeError(error) }, 'the audit log was not cut'),
  })
}

async function prune(store: Store, before: number, signal: AbortSignal): Promise<number> {
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
