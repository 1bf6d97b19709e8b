import { SeededRandom } from '../seeded-random.ts'
import type { CrashStage, End, StageKind } from './crash-stage.ts'
import { judgeEnd } from './judge-end.ts'
import { playRun } from './play-run.ts'
import { openPostgresStage } from './postgres-stage.ts'
import { openSqliteStage } from './sqlite-stage.ts'

export interface CrashPointOptions {
  readonly kind: StageKind
  /** What `compileCrashing` has made. */
  readonly programs: string
  /** How many runs at a time. */
  readonly lanes: number
  /** At most so many points of each process, chosen by the seed; undefined: all. */
  readonly sample?: { readonly size: number; readonly seed: number } | undefined
  /** After so long no further point is begun, once there were `least`; undefined: all are. */
  readonly budget?: { readonly ms: number; readonly least: number } | undefined
  /** Called when the points are counted, and after each. */
  readonly onCount: (points: Readonly<Record<string, number>>) => void
  readonly onResult: (result: CrashResult) => void
  readonly signal: AbortSignal
}

export interface CrashPoint {
  /** The process, by its command. */
  readonly role: string
  /** Counting from 1. */
  readonly at: number
}

/** What came of one point. */
export interface CrashResult extends CrashPoint {
  readonly kind: StageKind
  /** What the process was about to do, or had just done. */
  readonly name: string
  /** `not reached`: the runs ended before the point came. */
  readonly end: 'resumed' | 'not reached' | 'broken'
  /** Why it is broken. */
  readonly wrong: readonly string[]
  /** All that the processes said. */
  readonly said: string
  /** How many attempts there were more than in the undisturbed run. */
  readonly moreAttempts: number
  readonly ms: number
}

export interface CrashReport {
  readonly results: readonly CrashResult[]
  /** How many points there was no time for. */
  readonly leftOut: number
}

/** In which order the points of a run without a sample come. */
const ORDER_SEED = 1

/** A point that does not come is tried so often: batches are not the same in each run. */
const TRIES = 3

/**
 * Plays the scenario once for each process to count its points, then once for each point, killing the
 * process there and starting it again. Rejects when an undisturbed run does not end as it should.
 */
export async function runCrashPoints(options: CrashPointOptions): Promise<CrashReport> {
  const { kind, programs, lanes, signal, budget } = options
  const deadline = performance.now() + (budget?.ms ?? Number.POSITIVE_INFINITY)
  await using stack = new AsyncDisposableStack()
  const open = kind === 'sqlite' ? openSqliteStage : openPostgresStage
  const opened = Array.from({ length: lanes }, async () => stack.use(await open(programs, signal)))
  const stages = await all(opened)
  const { end, points } = await count(stages, signal)
  options.onCount(points)
  const chosen = choose(points, options.sample)
  const waiting = chosen.entries()
  const results: CrashResult[] = []
  await all(
    stages.map(async (stage) => {
      for (const [begun, point] of waiting) {
        signal.throwIfAborted()
        if (performance.now() > deadline && begun >= (budget?.least ?? 0)) return
        const result = { kind, ...(await tryPoint(stage, point, { undisturbed: end, signal })) }
        results.push(result)
        options.onResult(result)
      }
    }),
  )
  return { results, leftOut: chosen.length - results.length }
}

/** Waits for all, also when one fails: none may go on behind our back. */
async function all<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return await Promise.all(work)
}

/** What a run without a crash ends as, and how many points each process has in it. */
async function count(
  stages: readonly CrashStage[],
  signal: AbortSignal,
): Promise<{ end: End; points: Record<string, number> }> {
  const roles = stages[0]?.roles ?? []
  const played = await all(
    roles.map(async (role, index) => {
      const stage = stages[index % stages.length]
      if (!stage) throw new RangeError('there must be a lane')
      const run = await playRun(stage, { role }, signal)
      const wrong = run.trouble ?? judgeEnd(run.end, stage.sha).join('; ')
      if (wrong) throw new Error(`an undisturbed run ended wrongly: ${wrong}\n${run.said}`)
      return { role, run }
    }),
  )
  const [first] = played
  if (!first) throw new RangeError('there must be a process')
  const points = played.map(({ role, run }) => [role, run.passed.length] as const)
  return { end: first.run.end, points: Object.fromEntries(points) }
}

/** In no order, and those of the processes in turn, so that those for which there is no time are from everywhere. */
function choose(
  points: Readonly<Record<string, number>>,
  sample: CrashPointOptions['sample'],
): CrashPoint[] {
  const random = new SeededRandom(sample?.seed ?? ORDER_SEED)
  const rows = Object.entries(points).map(([role, length]) =>
    Array.from({ length }, (_, index) => ({ role, at: index + 1, rank: random.next() }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, sample?.size),
  )
  const turns = rows.flatMap((row) => row.map(({ role, at }, turn) => ({ role, at, turn })))
  return turns.sort((a, b) => a.turn - b.turn).map(({ role, at }) => ({ role, at }))
}

async function tryPoint(
  stage: CrashStage,
  point: CrashPoint,
  { undisturbed, signal }: { undisturbed: End; signal: AbortSignal },
): Promise<Omit<CrashResult, 'kind'>> {
  const startedAt = performance.now()
  for (let tries = 1; ; tries++) {
    const run = await playRun(stage, point, signal)
    const wrong = run.trouble ? [run.trouble] : judgeEnd(run.end, stage.sha, undisturbed)
    if (!run.wasReached && wrong.length === 0 && tries < TRIES) continue
    return {
      ...point,
      name: run.passed[point.at - 1] ?? '',
      end: wrong.length > 0 ? 'broken' : run.wasReached ? 'resumed' : 'not reached',
      wrong,
      said: run.said,
      moreAttempts: countAttempts(run.end) - countAttempts(undisturbed),
      ms: performance.now() - startedAt,
    }
  }
}

function countAttempts({ pipelines }: End): number {
  return pipelines.flatMap(({ jobs }) => jobs.flatMap(({ attempts }) => attempts)).length
}
