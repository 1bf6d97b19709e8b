import { parseArgs } from 'node:util'
import { testImage, testService } from '../../test/support/services.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { describeEngine } from '../support/bare-container.ts'
import { machineLine } from '../support/machine.ts'
import { spreadOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { startUpProcess } from '../support/up-process.ts'
import { watchLatencies } from './log-watch.ts'
import { type PrintedLog, PrintingJobs } from './printing-jobs.ts'
import { cpuSeconds, MemoryWatch } from './process-watch.ts'

const TICKS = 500
/** Eight million bytes each. */
const HUNDRED_MEGABYTES = 13
const GIGABYTE = 125
const READS = 9

interface Measured {
  readonly latenciesMs: readonly number[]
  readonly searchMs: readonly number[]
  readonly rangeMs: readonly number[]
  readonly gigabyte: PrintedLog
  readonly growthBytes: number
  readonly mostBytes: number
  /** Processor time of `narwhal up` for the gigabyte, in seconds. */
  readonly cpuS: number
  readonly downloadPerS: number
}

/** How logs go through `narwhal up`: one line, a gigabyte, and what is read of them. */
export const logs: Bench = {
  name: 'logs',
  summary: 'a line to a websocket, 1 GB of one step, a search in 100 MB; --executor ADDRESS',
  run: async (context) => {
    const { say } = context
    const docker = testService('docker')
    const usual = docker.skip === false ? `docker:${docker.url}` : 'bubblewrap:'
    const options = { executor: { type: 'string', default: usual } } as const
    const { executor } = parseArgs({ args: [...context.args], options }).values
    const measured = await measure(context, executor)
    const engine = executor.startsWith('docker:')
      ? await describeEngine(executor.slice('docker:'.length))
      : executor
    say(machineLine([engine]))
    for (const line of formatTable(COLUMNS, rowsOf(measured))) say(line)
    return figuresOf(measured)
  },
}

async function measure({ say, signal }: BenchContext, executor: string): Promise<Measured> {
  await using stack = new AsyncDisposableStack()
  const up = stack.use(await startUpProcess({ executor, signal }))
  const image = executor.startsWith('docker:') ? testImage() : undefined
  const jobs = stack.use(await PrintingJobs.open(up, image))
  say(`${TICKS} lines, one every 20 ms`)
  const ticking = await jobs.startTicks(TICKS)
  const log = { jobId: ticking.id, attempt: ticking.attempt }
  const latenciesMs = await watchLatencies(up, log, signal)
  // Once, so that what is loaded with the first log counts for nothing.
  await jobs.print(1)
  say('1 GB of one step')
  using memory = new MemoryWatch(up.pid)
  const cpuBefore = cpuSeconds(up.pid)
  const gigabyte = await jobs.print(GIGABYTE)
  const { growth, most } = memory
  const cpuS = cpuSeconds(up.pid) - cpuBefore
  const downloadPerS = await jobs.check(gigabyte, GIGABYTE)
  say('100 MB of one step, searched and read')
  const hundred = await jobs.print(HUNDRED_MEGABYTES)
  await jobs.check(hundred, HUNDRED_MEGABYTES)
  const read = { jobId: hundred.job.id, attempt: hundred.job.attempt }
  const searchMs = await timesOf(async (n) => {
    const text = `NOWHERE ${n}`
    const found = await up.client.searchLog(read, { text })
    if (found.total !== 0 || found.lines !== hundred.lines) throw new Error('a wrong search')
  })
  const rangeMs = await timesOf(async (n) => {
    const from = Math.floor((hundred.lines * n) / READS)
    await up.client.readLog(read, { from, limit: 1000 })
  })
  return {
    latenciesMs,
    searchMs,
    rangeMs,
    gigabyte,
    growthBytes: growth,
    mostBytes: most,
    cpuS,
    downloadPerS,
  }
}

async function timesOf(act: (n: number) => Promise<void>): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < READS; n++) {
    const startedAt = performance.now()
    await act(n)
    times.push(performance.now() - startedAt)
  }
  return times
}

const COLUMNS: readonly TableColumn[] = [
  { title: '', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p95', holds: 'figures' },
  { title: 'target', holds: 'figures' },
]

const rateOf = ({ bytes, ms }: PrintedLog): number => bytes / 1e6 / (ms / 1000)

function rowsOf(measured: Measured): string[][] {
  const { latenciesMs, searchMs, rangeMs, gigabyte } = measured
  const row = (name: string, values: readonly number[], target: string) => {
    const { p50, p95 } = spreadOf(values)
    return [name, p50.toFixed(0), p95.toFixed(0), target]
  }
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
  return [
    row('a line, printed → websocket, ms', latenciesMs, '≤ 150'),
    ['1 GB of one step, MB/s', rateOf(gigabyte).toFixed(0), '', '≥ 100'],
    ['– processor time for it, s', measured.cpuS.toFixed(1), '', ''],
    ['growth of a process meanwhile, MB', megabytes(measured.growthBytes), '', '≤ 50'],
    ['the most that it took, MB', megabytes(measured.mostBytes), '', ''],
    row('a search in 100 MB, ms', searchMs, '< 1000'),
    row('1,000 lines of 100 MB, ms', rangeMs, '< 1000'),
    ['a download of 1 GB, MB/s', measured.downloadPerS.toFixed(0), '', ''],
  ]
}

function figuresOf(measured: Measured): object {
  return {
    line_p50_ms: spreadOf(measured.latenciesMs).p50,
    line_p95_ms: tenths(spreadOf(measured.latenciesMs).p95),
    lines_measured: measured.latenciesMs.length,
    gigabyte_mb_per_s: tenths(rateOf(measured.gigabyte)),
    gigabyte_cpu_s: tenths(measured.cpuS),
    growth_mb: tenths(measured.growthBytes / 2 ** 20),
    most_mb: tenths(measured.mostBytes / 2 ** 20),
    search_100mb_ms: tenths(spreadOf(measured.searchMs).p50),
    range_ms: tenths(spreadOf(measured.rangeMs).p50),
    download_mb_per_s: tenths(measured.downloadPerS),
  }
}
