import type { JobView, LogLine } from '../../contract/rest/views.ts'
import { redactionInWords } from '../../core/attempt/redaction.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { Reads } from '../../store/store.ts'

/** Notices redactions of a log while it is followed. */
export class RedactionWatch {
  readonly #log: AttemptRef
  #knownAt: number | undefined
  #reportedAt: number | undefined

  constructor(log: AttemptRef) {
    this.#log = log
  }

  /** Earlier redactions are not reported. */
  begin(job: JobView | undefined): void {
    this.onJob(job)
    this.#reportedAt = this.#knownAt
  }

  /** Returns whether there is a new redaction: buffered lines may have the redacted text. */
  onJob(job: JobView | undefined): boolean {
    const attempt = job?.attempts.find(({ number }) => number === this.#log.attempt)
    if (attempt?.redactedAt === undefined || attempt.redactedAt === this.#knownAt) return false
    this.#knownAt = attempt.redactedAt
    return true
  }

  /** A notice of the last redaction for a follower who has read up to this line, with its number. */
  async take(store: Reads<'logs'>, number: number): Promise<LogLine[]> {
    if (this.#knownAt === this.#reportedAt) return []
    this.#reportedAt = this.#knownAt
    const redaction = (await store.logs.listRedactions(this.#log)).at(-1)
    if (!redaction || number < 0) return []
    const { at, steps: [step = 0] = [] } = redaction
    return [{ number, step, at, stream: 'narwhal', text: redactionInWords(redaction) }]
  }
}
