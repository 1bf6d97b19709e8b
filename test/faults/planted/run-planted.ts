import { rabbitNames } from '../../support/rabbit-names.ts'
import { freshDatabase, testService } from '../../support/services.ts'
import { tempDir } from '../../support/temp-dir.ts'
import type { PromiseName } from '../check/breach.ts'
import type { Report } from '../judge.ts'
import { ROLES } from '../kinds.ts'
import { runFaults } from '../run-faults.ts'
import { SHORT_LEASES } from './bugs.ts'
import type { PlantedBug } from './planted-bug.ts'

const PLANT = new URL('./plant.ts', import.meta.url).href

/** A script that could not begin by then never will. */
const MOST_MS = 60_000

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
  { seed, isHealthy = false, artefacts, say, signal }: PlantedOptions,
): Promise<PlantedResult> {
  const startedAt = performance.now()
  await using database = await freshDatabase()
  await using names = rabbitNames(testService('rabbitmq').url)
  await using dir = await tempDir('narwhal-planted-')
  const rabbitmqUrl = new URL(testService('rabbitmq').url)
  rabbitmqUrl.searchParams.set('prefix', names.prefix)
  const edits = [...SHORT_LEASES, ...(isHealthy ? [] : bug.edits)]
  const env = { PLANTED_EDITS: JSON.stringify(edits) }
  const forAll = <Value>(value: Value) => Object.fromEntries(ROLES.map((role) => [role, value]))
  const report = await runFaults({
    ...bug.run,
    durationMs: MOST_MS,
    ...(isHealthy ? { quiescenceMs: SOUND_QUIESCENCE_MS } : {}),
    seed,
    runnerLinks: ['attached'],
    advertise: false,
    nodeArgs: forAll(['--import', PLANT]),
    extraEnv: forAll(env),
    // So that each runner gets some.
    extraArgs: { dispatcher: ['--heuristic', 'round-robin'] },
    servers: { postgresUrl: database.url, rabbitmqUrl: rabbitmqUrl.href },
    artefacts: artefacts ?? dir.path,
    ...(say ? { say } : {}),
    signal,
  })
  const broken = new Set(report.breaches.map(({ promise }) => promise))
  return {
    bug,
    caughtBy: bug.breaks.filter((promise) => broken.has(promise)),
    seconds: (performance.now() - startedAt) / 1_000,
    report,
  }
}
