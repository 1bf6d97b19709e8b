import type { Evidence, FinalJob, FinalPipeline, JobScript, ProcessLife } from '../evidence.ts'
import type { Breach } from './breach.ts'

export interface EndFigures {
  readonly stuck: number
  readonly wrongOutcomes: number
  /** Processes that ended by themselves. */
  readonly crashes: number
  /** Those that gave up their start because something was away: they are started again. */
  readonly failedStarts: number
}

/** The exit code of a process that something was away for. */
const UNAVAILABLE = 5

/**
 * After quiescence nothing is left open, and every job has ended as its script says: only a person may
 * have cancelled it, only a need may have had it skipped. A success was really run to its end.
 */
export function checkEnds(
  evidence: Pick<
    Evidence,
    'commits' | 'pipelines' | 'cancels' | 'runs' | 'unready' | 'leftovers' | 'lives'
  >,
): { figures: EndFigures; breaches: Breach[] } {
  const { commits, pipelines, leftovers, lives } = evidence
  const scripts = new Map(commits.map(({ sha, jobs }) => [sha, jobs]))
  const stuck = [...pipelines.flatMap(findStuck), ...evidence.unready]
  const wrong = pipelines.flatMap((one) => findWrong(one, scripts.get(one.sha), evidence))
  const ended = lives.filter(({ end }) => end === 'itself')
  const [failedStarts, crashes] = [
    ended.filter(isFailedStart),
    ended.filter((one) => !isFailedStart(one)),
  ]
  return {
    figures: {
      stuck: stuck.length,
      wrongOutcomes: wrong.length,
      crashes: crashes.length,
      failedStarts: failedStarts.length,
    },
    breaches: [
      ...stuck.map((what): Breach => ({ promise: 'stuck', what })),
      ...wrong.map((what): Breach => ({ promise: 'outcomes', what })),
      ...leftovers.map((what): Breach => ({ promise: 'leftovers', what })),
      ...crashes.map(({ name, exitCode, exitSignal }): Breach => {
        return {
          promise: 'crashes',
          what: `${name} ended by itself with ${exitSignal ?? exitCode}`,
        }
      }),
    ],
  }
}

function isFailedStart({ readyAt, exitCode }: ProcessLife): boolean {
  return readyAt === undefined && exitCode === UNAVAILABLE
}

function findStuck({ id, status, jobs }: FinalPipeline): string[] {
  const open = jobs.filter((job) => job.status !== 'finished')
  if (status === 'finished' && open.length === 0) return []
  const what = open.map((job) => `${job.name} is ${job.status} (attempt ${job.attempt})`)
  return [`${id} is ${status} at the end${what.length > 0 ? `: ${what.join(', ')}` : ''}`]
}

function findWrong(
  pipeline: FinalPipeline,
  scripts: readonly JobScript[] | undefined,
  { cancels, runs }: Pick<Evidence, 'cancels' | 'runs'>,
): string[] {
  if (pipeline.status !== 'finished' || !scripts) return []
  const asked = new Set(cancels.map(({ id }) => id))
  const mayBeCancelled = (job: FinalJob) => asked.has(pipeline.id) || asked.has(job.id)
  if (pipeline.jobs.length !== scripts.length && !asked.has(pipeline.id)) {
    const { id, outcome, reason = '' } = pipeline
    return [`${id} has ${pipeline.jobs.length} of ${scripts.length} jobs: ${outcome}, ${reason}`]
  }
  const ended = new Set(
    runs
      .filter((run) => run.ended)
      .map(({ jobId, attempt, step }) => `${jobId} ${attempt} ${step}`),
  )
  return pipeline.jobs.flatMap((job) => {
    const script = scripts.find(({ name }) => name === job.name)
    if (!script || job.status !== 'finished') return []
    const found = `${job.id} of ${pipeline.id} ended in ${job.outcome} (${job.reason ?? 'no reason'})`
    if (job.outcome === 'cancelled') return mayBeCancelled(job) ? [] : [`${found}, uncancelled`]
    if (job.outcome === 'skipped') {
      const needs = pipeline.jobs.filter(({ name }) => script.needs.includes(name))
      return needs.some(({ outcome }) => outcome !== 'success') ? [] : [`${found} for nothing`]
    }
    const expected = script.exitCode === 0 ? 'success' : 'failure'
    if (job.outcome !== expected) return [`${found} instead of ${expected}`]
    const last = `${job.id} ${job.attempt} ${script.steps.length - 1}`
    return ended.has(last) ? [] : [`${found}, but attempt ${job.attempt} never came to its end`]
  })
}
