import { parseArgs } from 'node:util'
import { testImage, testService } from '../../test/support/services.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { openMeasured } from '../hotpath/measure-pipeline.ts'
import { bareContainer, describeEngine } from '../support/bare-container.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices } from '../support/services.ts'
import { startUpProcess } from '../support/up-process.ts'
import { COMMAND, MANY, type StepsTimes, stepsFigures, stepsTable } from './report.ts'

const DEFAULT_RUNS = '20'
const WARM_UP_RUNS = 3
/** So often the command is run in one bare container. */
const BARE_TIMES = 200

/**
 * What one more step of a job costs: a commit with one step and a commit with many of the same, in turn,
 * on a whole `narwhal up`; and the command itself, run by the same shell in a bare container.
 */
export const steps: Bench = {
  name: 'steps',
  summary: `a job of ${MANY} steps against a job of one, less the command itself; --runs N`,
  run: async (context) => {
    const { say, signal, args } = context
    const options = { runs: { type: 'string', default: DEFAULT_RUNS } } as const
    const { values } = parseArgs({ args: [...args], options })
    const runs = Number(values.runs)
    if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs must be a number from 1')
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const { url: engine, skip } = testService('docker')
    if (skip !== false) {
      say(`not measured: ${skip}`)
      return { per_step_ms: null }
    }
    const times = await measure(context, runs)
    say(machineLine([await describeEngine(engine)]))
    for (const line of stepsTable(times)) say(line)
    return stepsFigures(times)
  },
}

async function measure({ say, signal }: BenchContext, runs: number): Promise<StepsTimes> {
  await using stack = new AsyncDisposableStack()
  const image = testImage()
  const { url: engine } = testService('docker')
  const up = stack.use(await startUpProcess({ executor: `docker:${engine}`, signal }))
  const open = async (count: number) =>
    stack.use(await openMeasured(up, { image, signal, command: COMMAND, steps: count }))
  const one = await open(1)
  const many = await open(MANY)
  const bare = (times: number) => {
    const loop = `i=0; while [ $i -lt ${times} ]; do /bin/sh -ec "$0"; i=$((i + 1)); done`
    return bareContainer({ engine, image, command: ['/bin/sh', '-c', loop, COMMAND] })
  }
  const [idle, busy] = [bare(0), bare(BARE_TIMES)]
  const times = { one: [] as number[], many: [] as number[], command: [] as number[] }
  say(`measuring: ${WARM_UP_RUNS} rounds to warm up, then ${runs}`)
  for (let round = 1 - WARM_UP_RUNS; round <= runs; round++) {
    const first = await one.measure(signal)
    const all = await many.measure(signal)
    const idleMs = await idle.measure('none', signal)
    const busyMs = await busy.measure('none', signal)
    if (round <= 0) continue
    times.one.push(first.totalMs)
    times.many.push(all.totalMs)
    times.command.push((busyMs - idleMs) / BARE_TIMES)
  }
  return times
}
