import type { RunnerReport } from '../../contract/rpc/runner-report.ts'
import { Wake } from '../../lib/wake.ts'
import type { Runner } from '../runner.ts'
import { LoadMeter } from './load.ts'

const DEFAULT_INTERVAL_MS = 2_000
const SHORTEST_INTERVAL_MS = 100
const LONGEST_INTERVAL_MS = 60_000

/** Reports the runner's load at intervals and after each change of its slots or orphans, until it ends. */
export async function* watchLoad(
  runner: Runner,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<RunnerReport, void, undefined> {
  const pauseMs = Math.min(
    LONGEST_INTERVAL_MS,
    Math.max(SHORTEST_INTERVAL_MS, intervalMs || DEFAULT_INTERVAL_MS),
  )
  const meter = new LoadMeter(runner.dataDir)
  const wake = new Wake()
  using _changes = runner.onChange(() => wake.wake())
  const end = AbortSignal.any([signal, runner.ended])
  while (!end.aborted) {
    const [load, trouble] = await Promise.all([meter.sample(), runner.trouble()])
    const { instanceId, slots, draining, orphans } = runner
    // More attempts than slots may be running or being torn down.
    const sample = { ...load, slots, busy: Math.min(runner.busy, slots) }
    // Read after the probe, which may have changed them.
    const engines = { all: runner.engines, strangers: runner.strangerEngines }
    yield { instanceId, sample, trouble, draining, orphans, engines }
    await wake.wait(pauseMs, end)
  }
}
