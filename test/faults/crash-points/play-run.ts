import { readFile } from 'node:fs/promises'
import { describeError } from '../../../src/lib/errors.ts'
import { eventually } from '../../support/eventually.ts'
import { tempDir } from '../../support/temp-dir.ts'
import type { CrashStage, End } from './crash-stage.ts'
import { playScenario, untilEnded } from './scenario.ts'

/** What happened in one run. */
export interface Played {
  /** The names of the points that the process passed, the last being the one at which it died. */
  readonly passed: readonly string[]
  readonly wasReached: boolean
  readonly end: End
  /** Why the scenario could not be played to its end. */
  readonly trouble: string | undefined
  /** All that the processes said. */
  readonly said: string
}

/** What was told last is still on its way when everybody sees the end. */
const LAST_WORDS_MS = 300

/** Opens a run on a stage, plays the scenario on it, and reads what is left of it. */
export async function playRun(
  stage: CrashStage,
  { role, at }: { role: string; at?: number | undefined },
  signal: AbortSignal,
): Promise<Played> {
  await using dir = await tempDir()
  const pointsFile = dir.join('points')
  await using run = await stage.open(role, { pointsFile, at })
  const { addresses, victim } = run
  const { repository, sha } = stage
  const play = { addresses, repository, sha, signal }
  let trouble: string | undefined
  try {
    await playScenario(play)
    const died = eventually(() => victim.deaths > 0, { timeoutMs: LAST_WORDS_MS })
    const isLate = await died.then(
      () => true,
      () => false,
    )
    if (isLate) await untilEnded(play)
  } catch (error) {
    signal.throwIfAborted()
    trouble = describeError(error)
  }
  const end = await run.readEnd()
  const passed = (await readFile(pointsFile, 'utf8').catch(() => '')).split('\n').slice(0, -1)
  return { passed, wasReached: victim.deaths > 0, end, trouble, said: run.said() }
}
