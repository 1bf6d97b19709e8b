import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { skipDistributed, startDistributed } from '../../test/support/distributed.ts'
import { testImage, testService } from '../../test/support/services.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { bareContainer, describeEngine } from '../support/bare-container.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices, describePostgres } from '../support/services.ts'
import { startUpProcess } from '../support/up-process.ts'
import { openMeasured, type PipelineTime } from './measure-pipeline.ts'
import { type Form, type HotpathTimes, hotpathFigures, hotpathTable } from './report.ts'

const DEFAULT_RUNS = '30'
const WARM_UP_RUNS = 5
/** After each measurement its container is removed, which the next one must not feel. */
const PAUSE_MS = 500

/**
 * How long a webhook takes to green, embedded and distributed, against the same command in a bare
 * container of the same engine. One is measured after the other, in turn, so that whatever else the
 * machine does falls on all of them.
 */
export const hotpath: Bench = {
  name: 'hotpath',
  summary: 'webhook → success over the websocket, one echo step, against docker run; --runs N',
  run: async (context) => {
    const { say, signal } = context
    const runs = runsOf(context.args)
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const { url: engine, skip: noDocker } = testService('docker')
    const times = noDocker === false ? await measureAll(context, runs) : nothing(noDocker)
    const engineFacts = noDocker === false ? await describeEngine(engine) : noDocker
    say(machineLine([engineFacts, await describePostgres()]))
    for (const line of hotpathTable(times)) say(line)
    return hotpathFigures(times)
  },
}

function runsOf(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: { runs: { type: 'string', default: DEFAULT_RUNS } },
  })
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs must be a number from 1')
  return runs
}

function nothing(reason: string): HotpathTimes {
  const form: Form = { kind: 'missing', reason }
  return { bare: undefined, embedded: form, distributed: form }
}

async function measureAll({ say, signal }: BenchContext, runs: number): Promise<HotpathTimes> {
  await using stack = new AsyncDisposableStack()
  const image = testImage()
  const { url: engine } = testService('docker')
  const bare = bareContainer({ engine, image, command: ['echo', 'hello'] })
  const up = stack.use(await startUpProcess({ executor: `docker:${engine}`, signal }))
  const embedded = stack.use(await openMeasured(up, { image, signal }))
  const missing = skipDistributed()
  const four = missing === false ? stack.use(await startDistributed()) : undefined
  const distributed = four && stack.use(await openMeasured(four, { image, signal }))

  const withNetwork: number[] = []
  const withoutNetwork: number[] = []
  const times: { embedded: PipelineTime[]; distributed: PipelineTime[] } = {
    embedded: [],
    distributed: [],
  }
  say(`measuring: ${WARM_UP_RUNS} rounds to warm up, then ${runs}`)
  for (let round = 1 - WARM_UP_RUNS; round <= runs; round++) {
    const keep = async <Time>(list: Time[], time: Time) => {
      if (round > 0) list.push(time)
      await sleep(PAUSE_MS, undefined, { signal })
    }
    await keep(withNetwork, await bare.measure('default', signal))
    await keep(withoutNetwork, await bare.measure('none', signal))
    await keep(times.embedded, await embedded.measure(signal))
    if (distributed) await keep(times.distributed, await distributed.measure(signal))
    if (round > 0 && round % 10 === 0) say(`  ${round} of ${runs}`)
  }
  return {
    bare: { how: bare.how, withNetwork, withoutNetwork },
    embedded: { kind: 'measured', times: times.embedded },
    distributed:
      missing === false
        ? { kind: 'measured', times: times.distributed }
        : { kind: 'missing', reason: missing },
  }
}
