import { rabbitNames } from '../../support/rabbit-names.ts'
import { freshDatabase, testService } from '../../support/services.ts'
import { tempDir } from '../../support/temp-dir.ts'
import type { Breach, PromiseName } from '../check/breach.ts'
import { checkOverlap } from '../check/check-overlap.ts'
import { checkTransitions } from '../check/check-transitions.ts'
import type { Evidence } from '../evidence.ts'
import type { Report } from '../judge.ts'
import { runFaults } from '../run-faults.ts'
import { shortTimes } from './bugs.ts'
import type { PlantedBug } from './planted-bug.ts'
import type { PlantedCompiler } from './planted-compiler.ts'

/** A script that has not come to its end by then never will. */
const MOST_MS = 120_000

/** What is only late must not be taken for lost: where nothing is, this is never used up. */
const SOUND_QUIESCENCE_MS = 120_000

export interface PlantedResult {
  readonly bug: PlantedBug
  /** Those of the bug's promises that were found broken; none: it was not caught. */
  readonly caughtBy: readonly PromiseName[]
  readonly seconds: number
  readonly report: Report
}

export interface PlantedOptions {
  readonly compiler: PlantedCompiler
  readonly seed: number
  /** Without its mistakes, the same run breaks no promise. */
  readonly isHealthy?: boolean
  /** Where what a run leaves is kept; nowhere unless told. */
  readonly artefacts?: string
  readonly say?: (line: string) => void
  readonly signal: AbortSignal
}

/** One run of a bug, on the PostgreSQL and the RabbitMQ of the tests, with names of its own there. */
export async function runPlanted(
  bug: PlantedBug,
  { compiler, seed, isHealthy = false, artefacts, say, signal }: PlantedOptions,
): Promise<PlantedResult> {
  const startedAt = performance.now()
  await using database = await freshDatabase()
  await using names = rabbitNames(testService('rabbitmq').url)
  await using dir = await tempDir('narwhal-planted-')
  const rabbitmqUrl = new URL(testService('rabbitmq').url)
  rabbitmqUrl.searchParams.set('prefix', names.prefix)
  const edits = [...shortTimes(bug.leaseMs), ...(isHealthy ? [] : bug.edits)]
  const isBroken = ({ promise }: Breach): boolean => bug.breaks.includes(promise)
  const report = await runFaults({
    ...bug.run,
    load: { mostJobs: 1, twice: 0, replayed: 0, cancelled: 0, ...bug.run.load },
    durationMs: MOST_MS,
    ...(isHealthy ? { quiescenceMs: SOUND_QUIESCENCE_MS } : {}),
    isEnough: (seen) => findSoFar(seen).some(isBroken),
    seed,
    runnerLinks: ['attached'],
    advertise: false,
    program: await compiler.compile(edits, dir.path),
    // So that each runner gets some.
    extraArgs: { dispatcher: ['--heuristic', 'round-robin'] },
    servers: { postgresUrl: database.url, rabbitmqUrl: rabbitmqUrl.href },
    artefacts: artefacts ?? dir.path,
    ...(say ? { say } : {}),
    signal,
  })
  const broken = new Set(report.breaches.filter(isBroken).map(({ promise }) => promise))
  return {
    bug,
    caughtBy: [...broken],
    seconds: (performance.now() - startedAt) / 1_000,
    report,
  }
}

/** What can be said before the end: what has happened once can't be mended. */
function findSoFar(seen: Pick<Evidence, 'changes' | 'runs'>): Breach[] {
  return [checkOverlap, checkTransitions].flatMap((check) => check(seen).breaches)
}
