import type { JobView, LogLine } from '../../contract/rest/views.ts'
import { redactionInWords } from '../../core/attempt/redaction.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { StoreReader } from '../../store/store.ts'

/** Whether text is taken out of a log while somebody follows it. */
export class RedactionWatch {
  readonly #log: AttemptRef
  #knownAt: number | undefined
  #toldAt: number | undefined

  constructor(log: AttemptRef) {
    this.#log = log
  }

  /** What was taken out before is no news. */
  begin(job: JobView | undefined): void {
    this.hear(job)
    this.#toldAt = this.#knownAt
  }

  /** Returns whether something was taken out since: what was heard of the log before has it. */
  hear(job: JobView | undefined): boolean {
    const attempt = job?.attempts.find(({ number }) => number === this.#log.attempt)
    if (attempt?.redactedAt === undefined || attempt.redactedAt === this.#knownAt) return false
    this.#knownAt = attempt.redactedAt
    return true
  }

  /** What to say to a follower who has read up to this line; it has that line's number. */
  async take(store: StoreReader, number: number): Promise<LogLine[]> {
    if (this.#knownAt === this.#toldAt) return []
    this.#toldAt = this.#knownAt
    const redaction = (await store.logs.listRedactions(this.#log)).at(-1)
    if (!redaction || number < 0) return []
    const { at, steps: [step = 0] = [] } = redaction
    return [{ number, step, at, stream: 'narwhal', text: redactionInWords(redaction) }]
  }
}
