import type { BenchContext } from '../bench.ts'
import { startChild } from '../support/child.ts'
import type { AgentEngines, AgentReady } from '../webhooks/agent-process.ts'
import type { LoadOrder, LoadResult } from '../webhooks/load-process.ts'
import type { AwaitEnds, EndsSeen } from './dispatcher-process.ts'
import type { FakeRunnersReady } from './fake-runners-process.ts'

const RUNNERS = 4
const SLOTS = 32
const SECONDS = 1
const PER_SECOND = 500
const ROUNDS = 3

export interface JobRates {
  /** Jobs a second, from the first webhook to the last pipeline's `success`. */
  readonly perSecond: readonly number[]
  /** What the process with agent and dispatcher used of the processors for each job. */
  readonly cpuMs: readonly number[]
}

/** Round after round. */
export async function jobsPerSecond(
  { signal }: Pick<BenchContext, 'signal'>,
  engines: AgentEngines,
): Promise<JobRates> {
  await using stack = new AsyncDisposableStack()
  const here = import.meta.url
  const fakes = stack.use(
    startChild(new URL('fake-runners-process.ts', here), signal, `${RUNNERS}`, `${SLOTS}`),
  )
  const { urls } = await fakes.hear<FakeRunnersReady>()
  const file = new URL('dispatcher-process.ts', here)
  const dispatcher = stack.use(startChild(file, signal, JSON.stringify(engines), ...urls))
  const { url, target } = await dispatcher.hear<AgentReady>()
  const load = stack.use(startChild(new URL('../webhooks/load-process.ts', here), signal))
  const perSecond: number[] = []
  const cpu: number[] = []
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const order: LoadOrder = {
      url,
      target,
      connections: 32,
      seconds: SECONDS,
      perSecond: PER_SECOND,
    }
    const startedAt = Date.now()
    load.tell(order)
    const { statuses } = await load.hear<LoadResult>()
    const { 202: accepted = 0, ...others } = statuses
    if (Object.keys(others).length > 0) throw new Error(`refused: ${JSON.stringify(others)}`)
    dispatcher.tell({ ends: accepted } satisfies AwaitEnds)
    const { lastAt, failed, cpuMs } = await dispatcher.hear<EndsSeen>()
    if (failed > 0) throw new Error(`${failed} of ${accepted} pipelines did not succeed`)
    if (round === 0) continue
    perSecond.push((accepted * 1000) / (lastAt - startedAt))
    cpu.push(cpuMs / accepted)
  }
  return { perSecond, cpuMs: cpu }
}
