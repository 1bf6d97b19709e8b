import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testService } from '../../support/services.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { compileCrashing } from './compile-crashing.ts'
import { type CrashPointOptions, runCrashPoints } from './crash-points.ts'
import { resultLine, summaryLine } from './describe-points.ts'

/** Other tests run at the same time. */
const PATIENCE_MS = 400_000
/**
 * Some thirty points of SQLite and all of the sample on a machine with nothing else to do. On any there are as
 * many as the sample has: of fewer, one that was not reached would be too large a share.
 */
const BUDGET = { ms: 40_000, least: 16 }
/** Of the points of agent and of dispatcher, each; `npm run faults -- --crash-points` tries all. */
const SAMPLE = { size: 8, seed: 3 }

const skip = testService('postgres').skip || testService('rabbitmq').skip

/** Each point is a test of its own: a sign of life for those who wait, and a name for what fails. */
async function check(
  t: TestContext,
  options: Pick<CrashPointOptions, 'kind' | 'programs' | 'lanes' | 'sample'>,
): Promise<void> {
  const report = await runCrashPoints({
    ...options,
    budget: BUDGET,
    onCount: (points) => t.diagnostic(`${options.kind}: ${JSON.stringify(points)}`),
    onResult: (result) => {
      void t.test(resultLine(result).split('\n', 1)[0], () => {
        assert.notEqual(result.end, 'broken', [...result.wrong, result.said].join('\n'))
      })
    },
    signal: t.signal,
  })
  t.diagnostic(`${options.kind}: ${summaryLine(report)}`)
  const { results } = report
  const missed = results.filter(({ end }) => end === 'not reached')
  assert.ok(results.length > missed.length, 'not one point was reached')
  assert.ok(missed.length * 5 <= results.length, `${missed.length} points were not reached`)
}

test('a Narwhal that is killed at any moment goes on to the right end', {
  concurrency: 2,
  timeout: PATIENCE_MS,
}, async (t) => {
  await using dir = await tempDir()
  const programs = await compileCrashing(dir.path)
  await Promise.all([
    t.test('narwhal up, with SQLite', { timeout: PATIENCE_MS }, (one) =>
      check(one, { kind: 'sqlite', programs, lanes: 3 }),
    ),
    t.test(
      'agent and dispatcher, with PostgreSQL and RabbitMQ',
      { skip, timeout: PATIENCE_MS },
      (one) => check(one, { kind: 'postgres', programs, lanes: 2, sample: SAMPLE }),
    ),
  ])
})
