import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { gitRepository } from '../../test/support/git-repository.ts'
import { register } from '../../test/support/installation.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { loopSeconds } from '../logs/process-watch.ts'
import { startChild } from '../support/child.ts'
import { machineLine } from '../support/machine.ts'
import { probeDuring } from '../support/probe.ts'
import { medianOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { startUpProcess } from '../support/up-process.ts'
import type { AttackOrder, AttackResult } from './attack-process.ts'

const BYTES = 24 * 1024 * 1024
const ATTACKS_PER_SECOND = 2
const PROBES_PER_SECOND = 200
const PATHS = ['/healthz', '/api/v1/pipelines?limit=20', '/api/v1/repositories']

/** What goes on while the other routes are asked. */
const STATES = ['quiet', 'hashed elsewhere', 'unsigned', 'parsed elsewhere', 'signed'] as const
type State = (typeof STATES)[number]

/**
 * How long the other routes take to answer while webhooks of 24 MB of hostile JSON come, with a wrong and with
 * a right signature; against nothing, and against the same bodies sent to a bare server on the same
 * machine, which does the same work with them: what is left is what they cost Narwhal's event loop.
 */
export const hostile: Bench = {
  name: 'hostile',
  summary:
    'other routes while webhooks of 24 MB of hostile JSON come; --rounds N, --seconds N of each',
  run: async (context) => {
    const { say, signal } = context
    const { rounds, seconds } = readArgs(context)
    await using stack = new AsyncDisposableStack()
    const up = stack.use(await startUpProcess({ executor: 'process:', signal }))
    const bare = stack.use(startChild(new URL('bare-process.ts', import.meta.url), signal))
    const attacker = stack.use(startChild(new URL('attack-process.ts', import.meta.url), signal))
    const { url: bareUrl } = await bare.hear<{ url: string }>()
    const repository = stack.use(await gitRepository({ files: {}, serve: true }))
    const { id, secret } = await register(up, repository.url)
    const path = `/webhooks/github/${id}`
    const targets: Readonly<
      Record<State, Pick<AttackOrder, 'url' | 'path' | 'secret'> | undefined>
    > = {
      quiet: undefined,
      'hashed elsewhere': { url: bareUrl, path: '/' },
      unsigned: { url: up.url, path },
      'parsed elsewhere': { url: bareUrl, path: '/parse' },
      signed: { url: up.url, path, secret },
    }
    const measured = new Map<State, Measured>(
      STATES.map((state) => [state, { rounds: [], answers: {}, loopMs: 0, lastedMs: 0 }]),
    )
    const { url, token } = up
    const probe = { url, token, paths: PATHS, perSecond: PROBES_PER_SECOND, signal }
    const attack = async (state: State): Promise<AttackResult> => {
      const target = targets[state]
      if (!target) return await sleep(seconds * 1000, { statuses: {} }, { signal })
      attacker.tell({ ...target, perSecond: ATTACKS_PER_SECOND, seconds, bytes: BYTES })
      return await attacker.hear<AttackResult>()
    }
    for (let round = 0; round <= rounds; round++) {
      for (const state of STATES) {
        const [startedAt, before] = [performance.now(), loopSeconds(up.pid)]
        const { tookMs, result } = await probeDuring(() => attack(state), probe)
        const loopMs = (loopSeconds(up.pid) - before) * 1000
        // The first round warms up.
        if (round > 0) {
          add(measured.get(state), {
            rounds: [tookMs],
            answers: result.statuses,
            loopMs,
            lastedMs: performance.now() - startedAt,
          })
        }
      }
      if (round > 0) say(`  round ${round} of ${rounds}`)
    }
    say(machineLine([]))
    for (const line of formatTable(
      COLUMNS,
      STATES.map((state) => row(state, measured)),
    ))
      say(line)
    return figuresOf(measured)
  },
}

interface Measured {
  /** How long the others' answers took, of each round. */
  readonly rounds: (readonly number[])[]
  readonly answers: Record<string, number>
  /** For how long the event loop's thread was on a processor, which others' work does not touch. */
  loopMs: number
  lastedMs: number
}

type AllMeasured = ReadonlyMap<State, Measured>

function add(to: Measured | undefined, { rounds, answers, loopMs, lastedMs }: Measured): void {
  if (!to) return
  to.rounds.push(...rounds)
  to.loopMs += loopMs
  to.lastedMs += lastedMs
  for (const [status, count] of Object.entries(answers)) {
    to.answers[status] = (to.answers[status] ?? 0) + count
  }
}

/** What one body takes of the event loop, in milliseconds of a processor, beside what the questions take. */
function loopOfBody(state: State, measured: AllMeasured): number {
  const [own, quiet] = [measured.get(state), measured.get('quiet')]
  if (!own || !quiet) return 0
  const bodies = Object.values(own.answers).reduce((sum, count) => sum + count, 0)
  const questions = (quiet.loopMs / quiet.lastedMs) * own.lastedMs
  return bodies === 0 ? 0 : (own.loopMs - questions) / bodies
}

function figuresOf(measured: AllMeasured): object {
  const p99 = (state: State): number => medianOf(measured.get(state)?.rounds ?? [], 0.99)
  const ratio = (state: State, to: State): number => Math.round((p99(state) / p99(to)) * 100) / 100
  return {
    quiet_p99_ms: tenths(p99('quiet')),
    unsigned_p99_ms: tenths(p99('unsigned')),
    signed_p99_ms: tenths(p99('signed')),
    unsigned_ratio: ratio('unsigned', 'quiet'),
    unsigned_ratio_elsewhere: ratio('unsigned', 'hashed elsewhere'),
    signed_ratio: ratio('signed', 'quiet'),
    signed_ratio_elsewhere: ratio('signed', 'parsed elsewhere'),
    unsigned_loop_ms: tenths(loopOfBody('unsigned', measured)),
    signed_loop_ms: tenths(loopOfBody('signed', measured)),
  }
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'ms', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p99', holds: 'figures' },
  { title: 'max', holds: 'figures' },
  { title: 'loop, of a body', holds: 'figures' },
  { title: '  answers to the attack', holds: 'words' },
]

function row(state: State, measured: AllMeasured): string[] {
  const { rounds = [], answers = {} } = measured.get(state) ?? {}
  const figures = [
    ...[0.5, 0.99, 1].map((share) => medianOf(rounds, share)),
    loopOfBody(state, measured),
  ]
  const counts = Object.entries(answers).map(([code, n]) => `${n} × ${code}`)
  return [state, ...figures.map((ms) => ms.toFixed(1)), `  ${counts.join(', ')}`]
}

function readArgs({ args }: BenchContext): { rounds: number; seconds: number } {
  const options = {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  return { rounds: Number(values.rounds), seconds: Number(values.seconds) }
}
