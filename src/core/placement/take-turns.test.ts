import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RepositoryId } from '../ids.ts'
import type { WaitingJob } from './placement.ts'
import { orderQueue } from './queue-order.ts'
import { compareRanked, takeTurns } from './take-turns.ts'

const NOW = 100_000_000

/** Jobs of few repositories, each in one of many lines, so that several lines of one take turns. */
const waiting = fc.array(
  fc.record({
    repository: fc.nat(2),
    line: fc.nat(5),
    followers: fc.nat(3),
  }),
  { maxLength: 40 },
)

test('several lines of one repository take turns with those of others as one line would', () => {
  fc.assert(
    fc.property(waiting, (all) => {
      const items = all.map(({ repository, line, followers }, index) => ({
        line: `${repository} ${line}`,
        level: 0,
        job: {
          jobId: `job_${index}`,
          repositoryId: `repo_${repository}` as RepositoryId,
          labels: [],
          queuedAt: 0,
          followers,
          priority: 0,
          avoid: [],
        } satisfies WaitingJob,
      }))
      const lines = Map.groupBy(items, ({ line }) => line).values()
      const taken = takeTurns(
        [...lines].map((line) => line.toSorted(compareRanked).values()),
        new Map(),
      )
      const jobs = items.map(({ job }) => job)
      const context = { now: NOW, runningByRepository: new Map() }
      assert.deepEqual(
        [...taken].map(({ job }) => job),
        orderQueue(jobs, context),
      )
    }),
  )
})
