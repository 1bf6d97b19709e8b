import { isDeepStrictEqual } from 'node:util'
import { checkAttempts } from '../check/check-attempts.ts'
import type { FinalJob } from '../evidence.ts'
import type { End } from './crash-stage.ts'

/** How often each job of the scenario succeeds, whatever happens to its attempts: `pack` runs again. */
const SUCCESSES: Readonly<Record<string, number>> = { build: 1, pack: 2, hold: 0 }

/**
 * What is wrong with an end, in words: it must be that of an undisturbed run, but that a job may have
 * had attempts which ended with their process.
 */
export function judgeEnd(end: End, sha: string, undisturbed?: End): string[] {
  const wrong: string[] = []
  const { pipelines, pendingEvents, integrity } = end
  if (integrity !== 'ok') wrong.push(`the database is broken: ${integrity}`)
  if (pendingEvents > 0) wrong.push(`${pendingEvents} events have no pipeline`)
  if (pipelines.length !== 1) wrong.push(`${pipelines.length} pipelines of one commit`)
  if (pipelines.some((one) => one.sha !== sha)) wrong.push('a pipeline of another commit')
  wrong.push(...checkAttempts({ changes: [], pipelines }).breaches.map(({ what }) => what))
  wrong.push(...pipelines.flatMap(({ jobs }) => jobs.flatMap(judgeJob)))
  if (undisturbed && !isDeepStrictEqual(essence(end), essence(undisturbed))) {
    const [is, was] = [JSON.stringify(essence(end)), JSON.stringify(essence(undisturbed))]
    wrong.push(`it ended as ${is}, and undisturbed as ${was}`)
  }
  return wrong
}

function judgeJob({ name, attempts }: FinalJob): string[] {
  const wrong: string[] = []
  const successes = attempts.filter(({ outcome }) => outcome === 'success').length
  const due = SUCCESSES[name]
  if (successes !== due) wrong.push(`${name} succeeded ${successes} times, not ${due}`)
  const may = name === 'hold' ? ['error', 'cancelled'] : ['error', 'success']
  for (const { number, outcome = 'none', reason } of attempts) {
    if (may.includes(outcome)) continue
    wrong.push(`attempt ${number} of ${name} ended in ${outcome}: ${reason}`)
  }
  return wrong
}

/** What must not depend on whether, when and how often a process was killed. */
export function essence({ pipelines }: End): unknown {
  return pipelines.map(({ ref, repository, isRerun, status, outcome, reason, jobs }) => ({
    ref,
    repository,
    isRerun,
    status,
    outcome,
    reason,
    jobs: jobs.map((job) => ({
      name: job.name,
      status: job.status,
      outcome: job.outcome,
      reason: job.reason,
      logs: job.attempts
        .filter((attempt) => attempt.outcome === 'success')
        .map(({ log }) => log.filter(({ stream }) => stream !== 'narwhal')),
    })),
  }))
}
