import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import type { Bench, BenchContext } from '../bench.ts'
import { machineLine } from '../support/machine.ts'
import { spreadOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { root, startUpProcess } from '../support/up-process.ts'

/** One start of `narwhal up`. */
interface Start {
  /** From the start of the process until `/readyz` says so. */
  readonly readyMs: number
  /** What the process had used of the processors by then. */
  readonly readyCpuMs: number
  readonly idleRssMb: number
  /** What of that is the process's own, and not files it shares with others, such as Node. */
  readonly ownMb: number
}

/**
 * What `./narwhal up` of a checkout takes when nothing happens, and how soon it is there. The first
 * start, which fills Node's cache of compiled code, does not count.
 */
export const footprint: Bench = {
  name: 'footprint',
  summary: 'memory of an idle narwhal up, and the time until it is ready; --runs N, --idle SECONDS',
  run: async (context) => {
    const { say } = context
    const { runs, idle } = readArgs(context.args)
    say('setting the checkout up')
    await promisify(execFile)(process.execPath, [`${root}/scripts/setup.mjs`])
    await startOnce(context, 0)
    const starts: Start[] = []
    for (let i = 1; i <= runs; i++) {
      say(`start ${i} of ${runs}: idle for ${idle} s`)
      starts.push(await startOnce(context, idle))
    }
    say(machineLine([]))
    const rows = [
      row('ready (ms)', starts, ({ readyMs }) => readyMs),
      row('  of that on a processor (ms)', starts, ({ readyCpuMs }) => readyCpuMs),
      row(`resident after ${idle} s (MB)`, starts, ({ idleRssMb }) => idleRssMb),
      row('  of that its own (MB)', starts, ({ ownMb }) => ownMb),
    ]
    for (const line of formatTable(COLUMNS, rows)) say(line)
    const median = (read: (start: Start) => number): number =>
      tenths(spreadOf(starts.map(read)).p50)
    return {
      idle_rss_mb: median(({ idleRssMb }) => idleRssMb),
      ready_ms: median(({ readyMs }) => readyMs),
      ready_cpu_ms: median(({ readyCpuMs }) => readyCpuMs),
      own_mb: median(({ ownMb }) => ownMb),
    }
  },
}

const COLUMNS: readonly TableColumn[] = [
  { title: '', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
]

function row(name: string, starts: readonly Start[], read: (start: Start) => number): string[] {
  const { p25, p50, p75 } = spreadOf(starts.map(read))
  return [name, p50.toFixed(0), `${p25.toFixed(0)}–${p75.toFixed(0)}`]
}

function readArgs(args: readonly string[]): { runs: number; idle: number } {
  const options = {
    runs: { type: 'string', default: '5' },
    idle: { type: 'string', default: '30' },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  const [runs, idle] = [Number(values.runs), Number(values.idle)]
  if (!(Number.isInteger(runs) && runs >= 1 && runs <= 20)) throw new Error('--runs: 1 to 20')
  if (!(idle >= 0 && idle <= 120)) throw new Error('--idle: 0 to 120 seconds')
  return { runs, idle }
}

async function startOnce({ signal }: BenchContext, idle: number): Promise<Start> {
  const startedAt = performance.now()
  await using up = await startUpProcess({ executor: 'fake:', signal })
  const answer = await fetch(`${up.url}/readyz`, { signal })
  if (!answer.ok) throw new Error(`it is not ready: ${await answer.text()}`)
  const readyMs = performance.now() - startedAt
  const readyCpuMs = await processorMs(up.pid)
  await sleep(idle * 1000, undefined, { signal })
  const status = await readFile(`/proc/${up.pid}/status`, 'utf8')
  return { readyMs, readyCpuMs, idleRssMb: mbOf(status, 'VmRSS'), ownMb: mbOf(status, 'RssAnon') }
}

/** In MB of 1,000,000 bytes; proc(5) counts in KiB. */
function mbOf(status: string, field: string): number {
  const kib = Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return (kib * 1024) / 1e6
}

/** proc(5), fields 14 and 15 of `stat`: hundredths of a second in user and in system mode. */
async function processorMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
