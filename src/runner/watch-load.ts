import type { Orphan } from './known-attempts.ts'
import { LoadMeter, type LoadSample } from './load.ts'
import type { Runner } from './runner.ts'
import { Wake } from './wake.ts'

export interface RunnerLoad extends LoadSample {
  readonly busy: number
  readonly draining: boolean
  readonly trouble: string
  /** Attempts that nobody asks about. */
  readonly orphans: readonly Orphan[]
}

const DEFAULT_INTERVAL_MS = 2_000
const SHORTEST_INTERVAL_MS = 100
const LONGEST_INTERVAL_MS = 60_000

/** The runner's load now, after each change of its slots or orphans, and at intervals, until the abort or its end. */
export async function* watchLoad(
  runner: Runner,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<RunnerLoad, void, undefined> {
  const pauseMs = Math.min(
    LONGEST_INTERVAL_MS,
    Math.max(SHORTEST_INTERVAL_MS, intervalMs || DEFAULT_INTERVAL_MS),
  )
  const meter = new LoadMeter(runner.dataDir)
  const wake = new Wake()
  using _changes = runner.onChange(() => wake.wake())
  const end = AbortSignal.any([signal, runner.ended])
  while (!end.aborted) {
    const [sample, trouble] = await Promise.all([meter.sample(), runner.trouble()])
    const { busy, draining, orphans } = runner
    yield { ...sample, trouble, busy, draining, orphans }
    await wake.wait(pauseMs, end)
  }
}
