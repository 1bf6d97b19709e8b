import type { PipelineView, StepView } from '../../contract/rest/views.ts'
import { placeOf } from '../../core/commit-event.ts'
import { planNote } from '../../core/pipeline/plan-note.ts'
import { cleanLogText, cleanText } from '../terminal/clean-text.ts'
import type { Colours } from '../terminal/cli-io.ts'
import { formatDuration, formatSpan, paintStatus, statusWord } from '../terminal/format.ts'
import { type Marks, outcomeMark } from '../terminal/marks.ts'
import { type FailedStep, failedSteps, type PipelineModel } from './pipeline-model.ts'

/** Jobs named per reason. */
const MOST_NAMES = 5

/** Colours and symbols of the live views. */
export interface Look {
  readonly colours: Colours
  readonly marks: Marks
  /** Whether the colours in logs are kept. */
  readonly colour: boolean
}

/** `team/app#12`, as every command accepts it. */
export function pipelineName(pipeline: PipelineView): string {
  return `${cleanText(pipeline.repositoryName)}#${pipeline.number}`
}

/** `team/app#12  main  1a2b3c4d5e  The title  Ada` */
export function headline({ colours }: Look, pipeline: PipelineView): string {
  const { sha, title, author } = pipeline.event
  const parts = [
    colours.bold(pipelineName(pipeline)),
    cleanText(placeOf(pipeline.event)),
    colours.yellow(cleanText(sha.slice(0, 10))),
    cleanText(title),
    colours.dim(cleanText(author)),
  ]
  return parts.filter((part) => part !== '').join('  ')
}

/** ` (exit code 2)`, a reason, or nothing. */
export function stepReason(step: StepView): string {
  if (step.reason) return `: ${cleanText(step.reason)}`
  return step.exitCode ? ` (exit code ${step.exitCode})` : ''
}

/** The end of a pipeline: failed steps with their last lines, and the outcome with the duration. */
export function summaryLines(look: Look, model: PipelineModel, now: number): string[] {
  const { colours, marks } = look
  const { pipeline } = model
  const failed = failedSteps(model)
  const shown = failed.slice(0, 3).flatMap((step) => failedLines(look, step, model.jobs.size > 1))
  const left = failed.length - 3
  const more = left > 0 ? [`and ${left} more failed ${left === 1 ? 'step' : 'steps'}`] : []
  const problems = pipeline.problems.flatMap((problem) => [
    `${cleanText(problem.file ?? 'narwhal.yml')}:${problem.line}:${problem.column}: ${cleanText(problem.message)}`,
    ...problem.excerpt.split('\n').map((line) => `  ${cleanLogText(line, false)}`),
  ])
  const note = planNote(pipeline)
  const word = statusWord(pipeline)
  const span = formatSpan({ startedAt: pipeline.createdAt, finishedAt: pipeline.finishedAt }, now)
  const reason =
    pipeline.reason && pipeline.problems.length === 0 ? `: ${cleanText(pipeline.reason)}` : ''
  const end = `${outcomeMark(marks, word)} ${pipelineName(pipeline)} ${word}`
  const jobs = unhappyJobs(look, model, new Set(failed.map(({ job }) => job.id)))
  return [
    ...shown,
    ...more,
    ...problems,
    ...jobs,
    ...(note ? [`note: ${cleanText(note)}`] : []),
    `${paintStatus(colours, word, end)} in ${span}${reason}`,
  ]
}

/**
 * The jobs with a reason of their own for not succeeding (no runner, no image, …), grouped by reason.
 * Skipped ones are listed only if no step failed.
 */
function unhappyJobs(
  { marks }: Look,
  { jobs }: PipelineModel,
  listed: ReadonlySet<string>,
): string[] {
  const unhappy = [...jobs.values()].filter(({ id, outcome, reason }) => {
    if (!outcome || outcome === 'success' || !reason || listed.has(id)) return false
    return outcome !== 'skipped' || listed.size === 0
  })
  const byReason = Map.groupBy(unhappy, ({ outcome, reason }) => `${outcome} ${reason}`)
  return [...byReason.values()].map((alike) => {
    const [{ outcome = 'error', reason = '' } = {}] = alike
    const names = alike.slice(0, MOST_NAMES).map(({ name }) => cleanText(name))
    const more = alike.length > MOST_NAMES ? ` and ${alike.length - MOST_NAMES} more` : ''
    return `${outcomeMark(marks, outcome)} ${names.join(', ')}${more}: ${cleanText(reason)}`
  })
}

function failedLines(
  { colours, marks, colour }: Look,
  failed: FailedStep,
  isOneOfMany: boolean,
): string[] {
  const name = isOneOfMany
    ? `${cleanText(failed.job.name)}/${cleanText(failed.step.name)}`
    : cleanText(failed.step.name)
  const last = failed.tail.length === 0 ? 'no output' : 'last lines:'
  return [
    colours.red(
      `${marks.failure} ${name} ${failed.step.outcome}${stepReason(failed.step)}; ${last}`,
    ),
    ...failed.tail.map((line) => `  ${colours.dim(marks.bar)} ${cleanLogText(line.text, colour)}`),
  ]
}

/** How long a finished step or job took. */
export function spent(span: {
  startedAt?: number | undefined
  finishedAt?: number | undefined
}): string {
  if (span.startedAt === undefined || span.finishedAt === undefined) return ''
  return formatDuration(span.finishedAt - span.startedAt)
}
