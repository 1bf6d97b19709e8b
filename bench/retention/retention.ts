import { open } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Retention } from '../../src/dispatcher/retention/retention.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { freshDatabase, testService } from '../../test/support/services.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices, describePostgres } from '../support/services.ts'
import { quantile, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { writeHistory } from './history.ts'
import { type Times, timedStore } from './timed-store.ts'

const DAY = 86_400_000
const RULES = { logs: 10 * DAY, pipelines: 100 * DAY }
const IDLE_MS = 3_000

/** What one round did to one database. */
interface Measured {
  /** Of each kind of step. */
  readonly times: Times
  readonly idle: Spread
  readonly busy: Spread
  readonly tookMs: number
}

/**
 * One round over a database full of old pipelines, half of which lose their logs and half go whole: how
 * long the process answers nobody meanwhile, and how long each step takes, with what it waits for. With PostgreSQL
 * a step is a transaction: so long it holds the rows that it removes.
 */
export const retention: Bench = {
  name: 'retention',
  summary: 'removing what is old: its steps, and the event loop; --pipelines N, --log KIB',
  run: async (context) => {
    const { say, signal } = context
    const { pipelines } = readArgs(context)
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const sqlite = await inSqlite(context)
    const { skip } = testService('postgres')
    const postgres = skip === false ? await inPostgres(context) : undefined
    say(machineLine([await describePostgres()]))
    for (const line of formatTable(COLUMNS, rowsOf('SQLite', sqlite))) say(line)
    if (postgres) for (const line of formatTable(COLUMNS, rowsOf('PostgreSQL', postgres))) say(line)
    const other = postgres ? figuresOf(postgres) : null
    return { pipelines, ...figuresOf(sqlite), postgres: other }
  },
}

async function inSqlite(context: BenchContext): Promise<Measured> {
  await using dir = await tempDir('narwhal-bench-retention-')
  const database = { kind: 'sqlite', path: dir.join('narwhal.db') } as const
  {
    await using store = await openStore({ ...database, fleeting: true }, silentLog())
    await fill(store, context)
  }
  // Else the first step that waits for the disk would wait for all of this.
  {
    await using file = await open(database.path)
    await file.sync()
  }
  await using store = await openStore(database, silentLog())
  return await measure(store, context)
}

async function inPostgres(context: BenchContext): Promise<Measured> {
  await using database = await freshDatabase()
  await using store = await openStore({ kind: 'postgres', url: database.url }, silentLog())
  await fill(store, context)
  return await measure(store, context)
}

async function fill(store: Store, context: BenchContext): Promise<void> {
  const { pipelines, logBytes } = readArgs(context)
  const { say, signal } = context
  say(`writing ${pipelines} pipelines with logs of ${logBytes / 1024} KiB`)
  await writeHistory(store, { pipelines, logBytes, youngest: 11, oldest: 189, signal })
}

async function measure(store: Store, { say, signal }: BenchContext): Promise<Measured> {
  const idle = await delayOf(() => sleep(IDLE_MS, undefined, { signal }))
  say('removing')
  const times: Times = new Map()
  const options = { store: timedStore(store, times), log: silentLog(), rules: RULES }
  await using work = new Retention({ ...options, everyMs: 3_600_000 })
  const stop = () => void work[Symbol.asyncDispose]()
  signal.addEventListener('abort', stop)
  const startedAt = performance.now()
  const busy = await delayOf(() => work.round())
  const tookMs = performance.now() - startedAt
  signal.removeEventListener('abort', stop)
  const { lastRound } = work
  if (!lastRound || lastRound.failed > 0) throw new Error('not all was removed')
  say(`${lastRound.pipelines} pipelines and ${lastRound.logs} logs in ${Math.round(tookMs)} ms`)
  return { times, idle, busy, tookMs }
}

function rowsOf(name: string, { times, idle, busy }: Measured): string[][] {
  const all = [...times.values()].flat()
  return [
    [name],
    ...[...times, ['all steps', all] as const].map(([step, of]) =>
      row(step, spread(of), of.length),
    ),
    row('event loop, idle', idle),
    row('event loop, in the round', busy),
  ]
}

function figuresOf({ times, idle, busy, tookMs }: Measured): object {
  const all = [...times.values()].flat()
  return {
    step_p99_ms: tenths(spread(all).p99),
    step_max_ms: tenths(spread(all).max),
    loop_p99_ms: tenths(busy.p99),
    loop_max_ms: tenths(busy.max),
    idle_loop_max_ms: tenths(idle.max),
    round_ms: Math.round(tookMs),
  }
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'ms', holds: 'words' },
  { title: 'count', holds: 'figures' },
  { title: 'p99', holds: 'figures' },
  { title: 'max', holds: 'figures' },
]

interface Spread {
  readonly p99: number
  readonly max: number
}

function spread(values: readonly number[]): Spread {
  return { p99: quantile(values, 0.99), max: Math.max(...values) }
}

function row(name: string, { p99, max }: Spread, count?: number): string[] {
  return [name, count === undefined ? '' : String(count), p99.toFixed(1), max.toFixed(1)]
}

function readArgs({ args }: BenchContext): { pipelines: number; logBytes: number } {
  const options = {
    pipelines: { type: 'string', default: '1000' },
    log: { type: 'string', default: '512' },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  return { pipelines: Number(values.pipelines), logBytes: Number(values.log) * 1024 }
}

/** How late the event loop was while the work went on, in milliseconds. */
async function delayOf(work: () => Promise<unknown>): Promise<Spread> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await work()
  delay.disable()
  // A timer of 1 ms that comes in time counts as one.
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - 1)
  return { p99: late(delay.percentile(99)), max: late(delay.max) }
}
