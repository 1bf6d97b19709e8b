import type { LogAppended } from '../../contract/live/live-event.ts'
import type { JobView, LogLine } from '../../contract/rest/views.ts'
import type { JobId } from '../../core/ids.ts'
import { cleanLogText, cleanText } from '../terminal/clean-text.ts'
import { formatClock } from '../terminal/format.ts'
import { outcomeMark } from '../terminal/marks.ts'
import { currentAttempt, type PipelineModel } from './pipeline-model.ts'
import { headline, type Look, spent, stepReason, summaryLines } from './summary.ts'

/** A line about a job, printed once its log has been shown up to `lines`. */
interface Pending {
  readonly key: string
  /** The step that it is about; -1: the job. */
  readonly step: number
  /** The length of the log when it happened. */
  readonly lines: number
  readonly text: string
}

interface JobProgress {
  attempt: number
  /** The lines shown so far. */
  shown: number
  readonly announced: Set<string>
  readonly pending: Pending[]
}

/**
 * The view for a pipe, a file or another CI system: one line per event, log lines prefixed with their
 * step's name, no control codes. State and logs arrive separately, so a line about a step waits until
 * the log lines printed before it have been shown.
 */
export class PlainView {
  readonly #look: Look
  readonly #write: (line: string) => void
  readonly #jobs = new Map<JobId, JobProgress>()
  #started = false

  constructor(look: Look, write: (line: string) => void) {
    this.#look = look
    this.#write = write
  }

  /** Prints what changed in the model, and the log lines that came with it. */
  update(model: PipelineModel, lines: LogAppended | undefined, now: number): void {
    if (!this.#started) this.#print(now, headline(this.#look, model.pipeline))
    this.#started = true
    for (const job of model.jobs.values()) this.#announce(job, now)
    const job = lines ? model.jobs.get(lines.jobId) : undefined
    for (const line of lines?.lines ?? []) if (job) this.#line(job, line)
    for (const one of model.jobs.values()) this.#catchUp(one.id, this.#progress(one).shown)
  }

  /** The log of a job is complete: nothing has to wait any longer. */
  logEnd(jobId: JobId): void {
    this.#catchUp(jobId, Number.POSITIVE_INFINITY)
  }

  end(model: PipelineModel, now: number): void {
    for (const jobId of model.jobs.keys()) this.logEnd(jobId)
    for (const line of summaryLines(this.#look, model, now)) this.#write(line)
  }

  #announce(job: JobView, now: number): void {
    const attempt = currentAttempt(job)
    const progress = this.#progress(job)
    const add = (key: string, step: number, at: number, text: string) => {
      if (progress.announced.has(key)) return
      progress.announced.add(key)
      const line = `${formatClock(at)} ${text}`
      progress.pending.push({ key, step, lines: attempt?.lines ?? 0, text: line })
    }
    const { marks } = this.#look
    const name = cleanText(job.name)
    if (attempt) {
      const again = attempt.number > 1 ? `, attempt ${attempt.number}` : ''
      const runner = cleanText(attempt.decision.runnerName)
      add('assigned', -1, attempt.assignedAt, `${marks.started} ${name} on ${runner}${again}`)
    }
    for (const step of attempt?.steps ?? []) {
      const label = `${name}/${cleanText(step.name)}`
      if (step.startedAt !== undefined) {
        add(`start ${step.index}`, step.index, step.startedAt, `${marks.started} ${label}`)
      }
      if (step.status !== 'finished' || step.outcome === undefined) continue
      const took = spent(step) && ` in ${spent(step)}`
      const text = `${outcomeMark(marks, step.outcome)} ${label} ${step.outcome}${took}${stepReason(step)}`
      add(`end ${step.index}`, step.index, step.finishedAt ?? now, text)
    }
    if (job.status === 'finished' && job.outcome) {
      const took = spent(job) && ` in ${spent(job)}`
      const reason = job.reason ? `: ${cleanText(job.reason)}` : ''
      const text = `${outcomeMark(marks, job.outcome)} ${name} ${job.outcome}${took}${reason}`
      add('end', Number.POSITIVE_INFINITY, job.finishedAt ?? now, text)
    }
  }

  #line(job: JobView, line: LogLine): void {
    const progress = this.#progress(job)
    const { marks, colour } = this.#look
    // A line proves that its step has started and that earlier ones have ended.
    while (progress.pending.some(({ key, step }) => isBefore(key, step, line))) {
      this.#printNext(progress)
    }
    const step = job.stepNames[line.step] ?? currentAttempt(job)?.steps[line.step]?.name
    const label = step ? `${cleanText(job.name)}/${cleanText(step)}` : cleanText(job.name)
    this.#write(`${formatClock(line.at)} ${label} ${marks.bar} ${cleanLogText(line.text, colour)}`)
    progress.shown = line.number + 1
  }

  #catchUp(jobId: JobId, shown: number): void {
    const progress = this.#jobs.get(jobId)
    while (progress?.pending[0] && progress.pending[0].lines <= shown) this.#printNext(progress)
  }

  #printNext(progress: JobProgress): void {
    const next = progress.pending.shift()
    if (next) this.#write(next.text)
  }

  #print(at: number, text: string): void {
    this.#write(`${formatClock(at)} ${text}`)
  }

  #progress(job: JobView): JobProgress {
    const known = this.#jobs.get(job.id)
    if (known && known.attempt >= job.attempt) return known
    for (const { text } of known?.pending ?? []) this.#write(text)
    const fresh = { attempt: job.attempt, shown: 0, announced: new Set<string>(), pending: [] }
    this.#jobs.set(job.id, fresh)
    return fresh
  }
}

function isBefore(key: string, step: number, line: LogLine): boolean {
  if (key === 'end' || step > line.step) return false
  return step < line.step || key.startsWith('start')
}
