import type { KeepRules } from '../core/keeping.ts'
import type { Dispatcher } from '../dispatcher/dispatcher.ts'
import { DatabaseGuard } from '../dispatcher/ledger/database-guard.ts'
import { Retention } from '../dispatcher/retention/retention.ts'
import { registerRetentionMetrics } from '../dispatcher/retention/retention-metrics.ts'
import type { Uses } from '../store/store.ts'
import type { Context } from './context.ts'

/** Prevents new jobs from starting while the database is out of space. */
export function openGuard(
  { config, log }: Context<'database-reserve' | 'database-size'>,
  store: Uses<'room'>,
): DatabaseGuard {
  const rules = { reserveBytes: config['database-reserve'], mostBytes: config['database-size'] }
  return new DatabaseGuard({ store, rules, log })
}

export interface RetentionParts {
  readonly store: Uses<'dispatchers' | 'giveBack' | 'retention' | 'transact'>
  readonly dispatcher: Dispatcher
  readonly guard: DatabaseGuard
}

/** Retention, with what the routes need of it. */
export interface Kept extends AsyncDisposable {
  readonly rules: KeepRules
  readonly retention: Retention
  readonly guard: DatabaseGuard
}

/** Removes what has been kept long enough; done by the oldest dispatcher. */
export function openRetention(
  { config, log, metrics }: Context<'keep-logs' | 'keep-pipelines'>,
  { store, dispatcher, guard }: RetentionParts,
): Kept {
  const rules = { logs: config['keep-logs'], pipelines: config['keep-pipelines'] }
  const retention = new Retention({
    store,
    log,
    rules,
    isOurs: async () => (await store.dispatchers.list())[0]?.id === dispatcher.id,
    isBusy: () => dispatcher.isStartingJobs,
  })
  registerRetentionMetrics(metrics, { guard, retention })
  return { rules, retention, guard, [Symbol.asyncDispose]: () => retention[Symbol.asyncDispose]() }
}
