import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Installation } from '../../test/support/installation.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { bearer } from '../../test/support/tokens.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { machineLine } from '../support/machine.ts'
import { probeDuring } from '../support/probe.ts'
import { medianOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { startUpProcess } from '../support/up-process.ts'
import { writeManyPipelines } from './many-pipelines.ts'

/** As many as may wait; each of these people has as many as one may have. */
const PEOPLE = 4
const SEARCHES_OF_ONE = 10
const PROBES_PER_SECOND = 200
const PATHS = ['/healthz', '/api/v1/pipelines?limit=20', '/api/v1/repositories']
const STATES = ['quiet', 'forty searches'] as const
type State = (typeof STATES)[number]

/**
 * How long the other routes take to answer while forty searches that find nothing go through a million pipelines;
 * who is answered searches anew.
 */
export const searches: Bench = {
  name: 'searches',
  summary: 'other routes while forty searches find nothing; --pipelines N, --rounds N, --seconds N',
  run: async (context) => {
    const { say, signal } = context
    const { pipelines, rounds, seconds } = readArgs(context)
    await using stack = new AsyncDisposableStack()
    const data = stack.use(await tempDir('narwhal-bench-searches-'))
    say(`writing ${pipelines} pipelines`)
    await writeManyPipelines(data.join('narwhal.db'), { pipelines, signal })
    const up = stack.use(await startUpProcess({ executor: 'process:', signal, data: data.path }))
    const tokens = await addPeople(up)
    const times: Record<State, number[][]> = { quiet: [], 'forty searches': [] }
    const work = async (state: State): Promise<void> => {
      if (state === 'quiet') await sleep(seconds * 1000, undefined, { signal })
      else await searchFor(seconds, { url: up.url, tokens, signal })
    }
    const { url, token } = up
    const probe = { url, token, paths: PATHS, perSecond: PROBES_PER_SECOND, signal }
    for (let round = 0; round <= rounds; round++) {
      for (const state of STATES) {
        const { tookMs } = await probeDuring(() => work(state), probe)
        // The first round warms up.
        if (round > 0) times[state].push(tookMs)
      }
      if (round > 0) say(`  round ${round} of ${rounds}`)
    }
    say(machineLine([]))
    for (const line of formatTable(
      COLUMNS,
      STATES.map((state) => row(state, times[state])),
    )) {
      say(line)
    }
    return { pipelines, ...figuresOf(times) }
  },
}

function figuresOf(times: Readonly<Record<State, number[][]>>): object {
  const [quiet, busy] = [times.quiet, times['forty searches']]
  const p99 = medianOf(quiet, 0.99)
  return {
    quiet_p99_ms: tenths(p99),
    busy_p99_ms: tenths(medianOf(busy, 0.99)),
    ratio: tenths(medianOf(busy, 0.99) / p99),
    quiet_max_ms: tenths(medianOf(quiet, 1)),
    busy_max_ms: tenths(medianOf(busy, 1)),
  }
}

/** The tokens of those who search. */
async function addPeople({ client }: Pick<Installation, 'client'>): Promise<string[]> {
  const tokens: string[] = []
  for (let n = 0; n < PEOPLE; n++) {
    const { name } = await client.addUser({ name: `searcher-${n}`, role: 'viewer' })
    tokens.push((await client.createToken({ name: 'bench', user: name })).token)
  }
  return tokens
}

/** Forty at a time, until the time is over; whoever is answered or refused asks again. */
async function searchFor(
  seconds: number,
  { url, tokens, signal }: { url: string; tokens: readonly string[]; signal: AbortSignal },
): Promise<void> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)])
  const search = async (token: string): Promise<void> => {
    while (!over.aborted) {
      const path = `${url}/api/v1/pipelines?text=nowhere`
      const answer = await fetch(path, { headers: bearer(token), signal: over })
      await answer.text()
      if (answer.status !== 200) await sleep(50, undefined, { signal: over })
    }
  }
  const all = tokens.flatMap((token) =>
    Array.from({ length: SEARCHES_OF_ONE }, () => search(token)),
  )
  await Promise.all(
    all.map(async (one) => {
      await one.catch((error: unknown) => {
        if (!over.aborted) throw error
      })
    }),
  )
  signal.throwIfAborted()
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'ms', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p99', holds: 'figures' },
  { title: 'max', holds: 'figures' },
]

function row(state: State, rounds: readonly (readonly number[])[]): string[] {
  return [state, ...[0.5, 0.99, 1].map((share) => medianOf(rounds, share).toFixed(1))]
}

function readArgs({ args }: BenchContext): { pipelines: number; rounds: number; seconds: number } {
  const options = {
    pipelines: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  const { pipelines, rounds, seconds } = values
  return { pipelines: Number(pipelines), rounds: Number(rounds), seconds: Number(seconds) }
}
