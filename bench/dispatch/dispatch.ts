import { freshDatabase, testService, uniquePrefix } from '../../test/support/services.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices, describePostgres } from '../support/services.ts'
import { quantile, spreadOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { type Decisions, timeDecisions } from './decisions.ts'
import { type JobRates, jobsPerSecond } from './end-to-end.ts'

const QUEUED = [100, 1_000, 10_000, 100_000]
const ROUNDS = 3
const DECISIONS = 500

/** How long a placement takes, whatever waits, and how many jobs a second one dispatcher gets through. */
export const dispatch: Bench = {
  name: 'dispatch',
  summary: 'placement with 1,000 runners and up to 100,000 jobs; fake jobs a second end to end',
  run: async (context) => {
    const { say, signal } = context
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const decided = await decideAll(context)
    const data = stack.use(await tempDir('narwhal-bench-'))
    say('webhook → success: SQLite')
    const sqlite = await jobsPerSecond(context, {
      database: { kind: 'sqlite', path: data.join('narwhal.db') },
      broker: { kind: 'embedded' },
    })
    const missing = testService('postgres').skip || testService('rabbitmq').skip
    say(`webhook → success: ${missing || 'PostgreSQL and RabbitMQ'}`)
    const postgres = missing ? undefined : await apart(context)
    say(machineLine([missing || (await describePostgres())]))
    for (const line of formatTable(DECISION_COLUMNS, decisionRows(decided))) say(line)
    say('')
    const rates: [string, JobRates][] = [['SQLite', sqlite]]
    if (postgres) rates.push(['PostgreSQL and RabbitMQ', postgres])
    const rows = rates.map(([name, { perSecond, cpuMs }]) => {
      const { p25, p50, p75 } = spreadOf(perSecond)
      const middle = `${p25.toFixed(0)}–${p75.toFixed(0)}`
      return [name, p50.toFixed(0), middle, spreadOf(cpuMs).p50.toFixed(2)]
    })
    for (const line of formatTable(RATE_COLUMNS, rows)) say(line)
    return { ...figuresOf(decided), ...rateFigures(sqlite, postgres) }
  },
}

/** In turn, so that whatever else the machine does falls on all of them. */
async function decideAll({ say, signal }: BenchContext): Promise<Map<number, Decisions>> {
  const decided = new Map<number, Decisions>()
  for (let round = 0; round < ROUNDS; round++) {
    say(`decisions: round ${round + 1} of ${ROUNDS}`)
    for (const queued of QUEUED) {
      const { decisionMs, cpuMs, bytesPerJob } = await timeDecisions(queued, {
        decisions: DECISIONS,
        signal,
      })
      const former = decided.get(queued)
      decided.set(queued, {
        decisionMs: [...(former?.decisionMs ?? []), ...decisionMs],
        cpuMs: [...(former?.cpuMs ?? []), ...cpuMs],
        bytesPerJob: Math.max(former?.bytesPerJob ?? 0, bytesPerJob),
      })
    }
  }
  return decided
}

async function apart(context: BenchContext): Promise<JobRates> {
  await using database = await freshDatabase()
  return await jobsPerSecond(context, {
    database: { kind: 'postgres', url: database.url },
    broker: { kind: 'amqp', url: testService('rabbitmq').url, prefix: uniquePrefix() },
  })
}

const DECISION_COLUMNS: readonly TableColumn[] = [
  { title: 'a placement, 1,000 runners (ms)', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
  { title: 'p99', holds: 'figures' },
  { title: 'p99 on the processor', holds: 'figures' },
]
const RATE_COLUMNS: readonly TableColumn[] = [
  { title: 'jobs a second, webhook → success', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
  { title: 'processor, ms a job', holds: 'figures' },
]

function decisionRows(decided: ReadonlyMap<number, Decisions>): string[][] {
  return [...decided].map(([queued, { decisionMs, cpuMs }]) => {
    const { p25, p50, p75 } = spreadOf(decisionMs)
    const middle = `${p25.toFixed(2)}–${p75.toFixed(2)}`
    const tails = [decisionMs, cpuMs].map((values) => quantile(values, 0.99).toFixed(2))
    return [`${queued.toLocaleString('en')} jobs wait`, p50.toFixed(2), middle, ...tails]
  })
}

function figuresOf(decided: ReadonlyMap<number, Decisions>): object {
  const figure = (values: readonly number[] | undefined, share: number): number =>
    Math.round(quantile(values ?? [], share) * 1000) / 1000
  const entries = [...decided].flatMap(([queued, { decisionMs, cpuMs }]) => [
    [`p50_ms_${queued}`, figure(decisionMs, 0.5)],
    [`p99_ms_${queued}`, figure(decisionMs, 0.99)],
    [`p99_cpu_ms_${queued}`, figure(cpuMs, 0.99)],
  ])
  const bytes = decided.get(QUEUED.at(-1) ?? 0)?.bytesPerJob ?? 0
  return { ...Object.fromEntries(entries), bytes_per_job: Math.round(bytes) }
}

function rateFigures(sqlite: JobRates, postgres: JobRates | undefined): object {
  const figure = (values: readonly number[]): number => tenths(spreadOf(values).p50)
  return {
    jobs_per_s: figure(sqlite.perSecond),
    cpu_ms_per_job: figure(sqlite.cpuMs),
    jobs_per_s_postgres: postgres ? figure(postgres.perSecond) : null,
    cpu_ms_per_job_postgres: postgres ? figure(postgres.cpuMs) : null,
  }
}
