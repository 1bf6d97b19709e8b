import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Bench, BenchContext } from '../bench.ts'
import { type MeasuredInstallation, openMeasured } from '../hotpath/measure-pipeline.ts'
import { machineLine } from '../support/machine.ts'
import { tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { startUpProcess } from '../support/up-process.ts'
import { readTreeUse } from './process-tree.ts'

/** How many pipelines run at a time: one for each slot. */
const AT_ONCE = 2

/** An idle Narwhal, after so many pipelines. */
interface Rest {
  readonly pipelines: number
  readonly residentMb: number
  readonly ownMb: number
  readonly othersMb: number
  /** Processor time per minute, in seconds, with that of all processes below it. */
  readonly processorS: number
}

/** What `./narwhal up` takes while nothing happens: when it has just started, and after many pipelines. */
export const idle: Bench = {
  name: 'idle',
  summary:
    'memory and processor time of an idle narwhal up, fresh and after pipelines; --pipelines N, --seconds N, --executor URL, --image IMAGE',
  run: async (context) => {
    const options = readArgs(context.args)
    const rests = await measure(context, options)
    context.say(machineLine([options.executor]))
    for (const line of formatTable(COLUMNS, rests.map(row))) context.say(line)
    const list = (read: (rest: Rest) => number): number[] => rests.map((rest) => tenths(read(rest)))
    return {
      executor: options.executor,
      pipelines: rests.map(({ pipelines }) => pipelines),
      idle_mb: list(({ residentMb }) => residentMb),
      own_mb: list(({ ownMb }) => ownMb),
      others_mb: list(({ othersMb }) => othersMb),
      idle_cpu_s: rests.map(({ processorS }) => Math.round(processorS * 100) / 100),
    }
  },
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'after pipelines', holds: 'figures' },
  { title: 'resident (MB)', holds: 'figures' },
  { title: 'of that its own', holds: 'figures' },
  { title: 'other processes', holds: 'figures' },
  { title: 'processor (s/min)', holds: 'figures' },
]

function row({ pipelines, residentMb, ownMb, othersMb, processorS }: Rest): string[] {
  const sizes = [residentMb, ownMb, othersMb].map((mb) => mb.toFixed(0))
  return [String(pipelines), ...sizes, processorS.toFixed(2)]
}

interface Options {
  readonly pipelines: number
  readonly seconds: number
  readonly executor: string
  readonly image: string
}

function readArgs(args: readonly string[]): Options {
  const options = {
    pipelines: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '60' },
    executor: { type: 'string', default: 'fake:' },
    image: { type: 'string', default: 'busybox' },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  const [pipelines, seconds] = [Number(values.pipelines), Number(values.seconds)]
  if (!(Number.isInteger(pipelines) && pipelines >= 0 && pipelines <= 10_000)) {
    throw new Error('--pipelines: 0 to 10000')
  }
  if (!(seconds >= 1 && seconds <= 600)) throw new Error('--seconds: 1 to 600')
  return { pipelines, seconds, executor: values.executor, image: values.image }
}

async function measure(context: BenchContext, options: Options): Promise<readonly Rest[]> {
  const { say, signal } = context
  const { executor, image, pipelines } = options
  await using up = await startUpProcess({ executor, signal })
  const rest = (done: number): Promise<Rest> => restOf(up.pid, done, { ...options, context })
  const rests = [await rest(0)]
  if (pipelines === 0) return rests
  const named = executor.startsWith('bubblewrap') || executor.startsWith('process') ? '' : image
  for (const round of [1, 2]) {
    say(`running ${pipelines} pipelines, ${AT_ONCE} at a time`)
    // Closed before the rest: a client that listens is not idle.
    await using stack = new AsyncDisposableStack()
    const sources = await Promise.all(
      Array.from({ length: AT_ONCE }, () =>
        openMeasured(up, { signal, ...(named === '' ? {} : { image: named }) }),
      ),
    )
    for (const source of sources) stack.use(source)
    await runPipelines(sources, pipelines, signal)
    await stack.disposeAsync()
    rests.push(await rest(round * pipelines))
  }
  return rests
}

async function runPipelines(
  sources: readonly MeasuredInstallation[],
  count: number,
  signal: AbortSignal,
): Promise<void> {
  let begun = 0
  await Promise.all(
    sources.map(async (source) => {
      while (begun++ < count) await source.measure(signal)
    }),
  )
}

/** Half of the time it comes to rest, the other half is measured. */
async function restOf(
  pid: number,
  pipelines: number,
  { seconds, context }: Options & { readonly context: BenchContext },
): Promise<Rest> {
  const { say, signal } = context
  say(`after ${pipelines} pipelines: idle for ${2 * seconds} s`)
  await sleep(seconds * 1000, undefined, { signal })
  const before = await readTreeUse(pid)
  await sleep(seconds * 1000, undefined, { signal })
  const { residentMb, ownMb, othersMb, processorS } = await readTreeUse(pid)
  const used = ((processorS - before.processorS) * 60) / seconds
  return { pipelines, residentMb, ownMb, othersMb, processorS: used }
}
