import type { EventSpool } from './event-spool.ts'
import type { OutputListener } from './executor/executor.ts'
import { LogLines } from './log-lines.ts'

/**
 * One step's part of the log, from the bytes that the sandbox gives to events in the spool. When
 * the spool is full the step has to wait: nothing is dropped.
 */
export class StepLog {
  readonly #events: EventSpool
  readonly #lines: LogLines
  readonly #end = Promise.withResolvers<void>()
  #ended = false

  constructor(events: EventSpool, step: number) {
    this.#events = events
    this.#lines = new LogLines(step, (chunk) => events.append({ type: 'log', chunk }))
  }

  /** What comes after the end is left out: the step may have been given up before its processes. */
  readonly write: OutputListener = (stream, chunk) => {
    if (this.#ended) return undefined
    this.#lines.write(stream, chunk)
    const room = this.#events.room()
    return room && Promise.race([room, this.#end.promise])
  }

  /** Narwhal's own words. */
  say(text: string): void {
    this.#lines.say(text)
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#lines.end()
    this.#end.resolve()
  }
}
