import { parseArgs } from 'node:util'
import { freshDatabase, testService, uniquePrefix } from '../../test/support/services.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { startChild } from '../support/child.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices, describePostgres } from '../support/services.ts'
import { quantile, spreadOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import type { AgentEngines, AgentReady } from './agent-process.ts'
import type { LoadOrder, LoadResult } from './load-process.ts'

const CONNECTIONS = 64
const ROUNDS = 5
const STEADY_PER_SECOND = 500

/** What one agent did: as many as it could, round after round, and then at a steady rate. */
interface Measured {
  readonly perSecond: readonly number[]
  readonly latenciesMs: readonly number[]
  readonly steadyMs: readonly number[]
}

/**
 * How many webhooks an agent takes, each on disk before its 202: as many as 64 connections get
 * answered, and how long each takes at 500 a second. The load generator is a process of its own.
 */
export const webhooks: Bench = {
  name: 'webhooks',
  summary: 'durable webhooks a second, and how long one takes at 500/s; --seconds N for each part',
  run: async (context) => {
    const { say, signal } = context
    const seconds = secondsOf(context.args)
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const data = stack.use(await tempDir('narwhal-bench-'))
    const sqlite = await measure(context, seconds, {
      database: { kind: 'sqlite', path: data.join('narwhal.db') },
      broker: { kind: 'embedded' },
    })
    const missing = testService('postgres').skip || testService('rabbitmq').skip
    const postgres = missing ? undefined : await measureApart(context, seconds)
    say(machineLine([missing || (await describePostgres())]))
    const rows = [
      ...rowsOf('SQLite', sqlite),
      ...(postgres ? rowsOf('PostgreSQL and RabbitMQ', postgres) : []),
    ]
    for (const line of formatTable(COLUMNS, rows)) say(line)
    return { ...figuresOf(sqlite), postgres: postgres ? figuresOf(postgres) : null }
  },
}

function secondsOf(args: readonly string[]): number {
  const options = { seconds: { type: 'string', default: '10' } } as const
  const seconds = Number(parseArgs({ args: [...args], options }).values.seconds)
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 60) return seconds
  throw new Error('--seconds must be a number from 1 to 60')
}

async function measureApart(context: BenchContext, seconds: number): Promise<Measured> {
  await using database = await freshDatabase()
  return await measure(context, seconds, {
    database: { kind: 'postgres', url: database.url },
    broker: { kind: 'amqp', url: testService('rabbitmq').url, prefix: uniquePrefix() },
  })
}

async function measure(
  { say, signal }: BenchContext,
  seconds: number,
  engines: AgentEngines,
): Promise<Measured> {
  await using agent = startChild(
    new URL('agent-process.ts', import.meta.url),
    signal,
    JSON.stringify(engines),
  )
  const { url, target } = await agent.hear<AgentReady>()
  await using load = startChild(new URL('load-process.ts', import.meta.url), signal)
  const run = async (order: Pick<LoadOrder, 'seconds' | 'perSecond'>): Promise<LoadResult> => {
    const full: LoadOrder = { url, target, connections: CONNECTIONS, ...order }
    load.tell(full)
    const result = await load.hear<LoadResult>()
    const { 202: accepted = 0, ...others } = result.statuses
    if (Object.keys(others).length > 0 || accepted === 0) {
      throw new Error(`not all were accepted: ${JSON.stringify(result.statuses)}`)
    }
    return result
  }
  say(`${engines.database.kind}: ${ROUNDS} rounds of ${seconds / ROUNDS} s, then ${seconds} s`)
  await run({ seconds: Math.min(2, seconds) })
  const rounds: LoadResult[] = []
  for (let i = 0; i < ROUNDS; i++) rounds.push(await run({ seconds: seconds / ROUNDS }))
  const steady = await run({ seconds, perSecond: STEADY_PER_SECOND })
  return {
    perSecond: rounds.map(({ latenciesMs, elapsedMs }) => (latenciesMs.length * 1000) / elapsedMs),
    latenciesMs: rounds.flatMap(({ latenciesMs }) => latenciesMs),
    steadyMs: steady.latenciesMs,
  }
}

const COLUMNS: readonly TableColumn[] = [
  { title: '', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
  { title: 'p95', holds: 'figures' },
  { title: 'p99', holds: 'figures' },
]

function rowsOf(name: string, { perSecond, latenciesMs, steadyMs }: Measured): string[][] {
  return [
    row(`${name}: a second`, perSecond, 0),
    row(`  answered in, with ${CONNECTIONS} connections (ms)`, latenciesMs, 1),
    row(`  answered in, at ${STEADY_PER_SECOND}/s (ms)`, steadyMs, 1),
  ]
}

function row(name: string, values: readonly number[], digits: number): string[] {
  const { p50, p25, p75, p95 } = spreadOf(values)
  const text = (value: number): string => value.toFixed(digits)
  const p99 = quantile(values, 0.99)
  return [name, text(p50), `${text(p25)}–${text(p75)}`, text(p95), text(p99)]
}

function figuresOf({ perSecond, steadyMs }: Measured): object {
  return {
    sustained_per_s: Math.round(quantile(perSecond, 0.5)),
    p50_ms_at_500: tenths(quantile(steadyMs, 0.5)),
    p99_ms_at_500: tenths(quantile(steadyMs, 0.99)),
  }
}
