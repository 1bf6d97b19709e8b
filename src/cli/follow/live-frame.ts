import type { JobView } from '../../contract/rest/views.ts'
import { cleanLogText, cleanText } from '../terminal/clean-text.ts'
import { formatSpan, paintStatus } from '../terminal/format.ts'
import { outcomeMark } from '../terminal/marks.ts'
import { cutText } from '../terminal/text-width.ts'
import { currentAttempt, type PipelineModel, tailOf } from './pipeline-model.ts'
import { type Look, spent, stepReason } from './summary.ts'

/** The size and time that a frame is drawn for. */
export interface Frame {
  readonly look: Look
  readonly now: number
  readonly columns: number
  readonly rows: number
}

/** Log lines shown below a running step. */
const LOG_LINES = 4
const SPIN_MS = 100

/**
 * The current state as lines that fit the terminal: running steps with their time and last log lines,
 * jobs being prepared, and what is waiting.
 */
export function renderRegion(model: PipelineModel, frame: Frame): string[] {
  const { look, now, columns, rows } = frame
  const { marks, colours } = look
  const spin = colours.cyan(marks.spinner[Math.floor(now / SPIN_MS) % marks.spinner.length] ?? '')
  const { pipeline } = model
  const cut = (line: string) => cutText(line, Math.max(1, columns - 1), marks.cut)
  if (pipeline.status === 'finished') return []
  const busy = [...model.jobs.values()].filter(
    (job) => job.status === 'running' || job.status === 'assigned',
  )
  const waiting = [...model.jobs.values()].filter(
    (job) => job.status === 'queued' || job.status === 'blocked',
  )
  const since = formatSpan({ startedAt: pipeline.createdAt }, now)
  const footer = colours.dim(`  ${since}${waitingText(waiting, marks.dot)}`)
  const head = busy.length === 0 ? `${spin} ${whyIdle(model, waiting)}` : undefined
  // One row is left for the cursor, one for the footer.
  const room = Math.max(1, rows - 2)
  const perJob = Math.max(0, Math.min(LOG_LINES, Math.floor(room / Math.max(1, busy.length)) - 1))
  const blocks = busy.map((job) => busyLines(model, job, { frame, spin, logLines: perJob }))
  const body = [...(head ? [head] : []), ...blocks.flat()].slice(0, room)
  return [...body, footer].map(cut)
}

function whyIdle(model: PipelineModel, waiting: readonly JobView[]): string {
  if (model.jobs.size === 0) return 'reading narwhal.yml'
  const queued = waiting.find((job) => job.status === 'queued')
  return queued ? `${cleanText(queued.name)} is waiting for a runner` : 'finishing'
}

function waitingText(waiting: readonly JobView[], dot: string): string {
  if (waiting.length === 0) return ''
  const names = waiting.map((job) => cleanText(job.name)).join(', ')
  return ` ${dot} waiting: ${names}`
}

function busyLines(
  model: PipelineModel,
  job: JobView,
  how: { frame: Frame; spin: string; logLines: number },
): string[] {
  const { frame, spin } = how
  const { marks, colours, colour } = frame.look
  const attempt = currentAttempt(job)
  const running = (attempt?.steps ?? []).filter((step) => step.status === 'running')
  if (running.length === 0) {
    const time = formatSpan({ startedAt: attempt?.startedAt ?? attempt?.assignedAt }, frame.now)
    const on = attempt ? ` on ${cleanText(attempt.decision.runnerName)}` : ''
    const doing = attempt?.steps.some((step) => step.status === 'finished')
      ? 'between steps'
      : 'preparing'
    return [`${spin} ${cleanText(job.name)}: ${doing}${on}  ${colours.dim(time)}`]
  }
  return running.flatMap((step) => [
    `${spin} ${stepLabel(model, job, step.name)}  ${colours.dim(formatSpan(step, frame.now))}`,
    ...tailOf(model, job, step.index)
      .slice(how.logLines === 0 ? Number.POSITIVE_INFINITY : -how.logLines)
      .map((line) => {
        const text = cleanLogText(line.text, colour).replaceAll('\t', '  ')
        return `  ${colours.dim(marks.bar)} ${text}`
      }),
  ])
}

function stepLabel(model: PipelineModel, job: JobView, step: string): string {
  return model.jobs.size > 1 ? `${cleanText(job.name)}/${cleanText(step)}` : cleanText(step)
}

/** A line for each finished step and job, with a unique key. */
export function foldedLines(
  model: PipelineModel,
  frame: Pick<Frame, 'look' | 'columns'>,
): { key: string; line: string }[] {
  const { look, columns } = frame
  const { colours, marks } = look
  const fold = (key: string, outcome: string, text: string, time: string) => {
    const mark = paintStatus(colours, outcome, outcomeMark(marks, outcome))
    const line = `${mark} ${text}${time && `  ${colours.dim(time)}`}`
    return { key, line: cutText(line, Math.max(1, columns - 1), marks.cut) }
  }
  return [...model.jobs.values()].flatMap((job) => {
    const steps = job.attempts.flatMap((attempt) =>
      attempt.steps.flatMap((step) => {
        if (step.status !== 'finished' || !step.outcome) return []
        const word = step.outcome === 'success' ? '' : ` ${step.outcome}${stepReason(step)}`
        const text = `${stepLabel(model, job, step.name)}${word}`
        return [fold(`${job.id} ${attempt.number} ${step.index}`, step.outcome, text, spent(step))]
      }),
    )
    const outcome = job.status === 'finished' ? job.outcome : undefined
    // A pipeline of one job ends with it and prints its own line.
    if (!outcome || (model.jobs.size === 1 && outcome !== 'skipped')) return steps
    const reason = job.reason ? `: ${cleanText(job.reason)}` : ''
    const text = colours.bold(`${cleanText(job.name)} ${outcome}`) + reason
    return [...steps, fold(`${job.id} ${job.attempt}`, outcome, text, spent(job))]
  })
}
