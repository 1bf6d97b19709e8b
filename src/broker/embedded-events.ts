import type { EventMessage } from '../contract/live/event-message.ts'
import type { Logger } from '../lib/log.ts'
import { topicMatcher } from './topic.ts'

/** Events that wait for the next turn of the event loop; beyond this the oldest are dropped. */
const MAX_WAITING = 10_000

type Listener = (topic: string, message: EventMessage) => void

interface Subscriber {
  readonly matches: (topic: string) => boolean
  readonly listener: Listener
}

/** The event queue in memory: events are delivered in the next turn of the event loop. */
export class EmbeddedEvents {
  readonly #log: Logger
  readonly #subscribers = new Set<Subscriber>()
  #waiting: { topic: string; message: EventMessage }[] = []
  #delivering: NodeJS.Immediate | undefined
  #dropped = 0
  #closed = false

  constructor(log: Logger) {
    this.#log = log
  }

  get dropped(): number {
    return this.#dropped
  }

  publish(topic: string, message: EventMessage): void {
    if (this.#closed) {
      this.#dropped++
      return
    }
    if (this.#subscribers.size === 0) return
    this.#waiting.push({ topic, message })
    // Drops half at a time: dropping one by one would copy the queue each time.
    if (this.#waiting.length > 2 * MAX_WAITING) {
      this.#dropped += MAX_WAITING
      this.#waiting = this.#waiting.slice(MAX_WAITING)
    }
    this.#delivering ??= setImmediate(() => this.#deliver())
  }

  subscribe(pattern: string, listener: Listener): AsyncDisposable {
    const subscriber = { matches: topicMatcher(pattern), listener }
    this.#subscribers.add(subscriber)
    return { [Symbol.asyncDispose]: async () => void this.#subscribers.delete(subscriber) }
  }

  close(): void {
    this.#closed = true
    clearImmediate(this.#delivering)
    this.#waiting = []
    this.#subscribers.clear()
  }

  #deliver(): void {
    this.#delivering = undefined
    const events = this.#waiting
    this.#waiting = []
    for (const { topic, message } of events) {
      for (const { matches, listener } of this.#subscribers) {
        if (!matches(topic)) continue
        try {
          listener(topic, message)
        } catch (err) {
          this.#log.error({ err, topic }, 'event listener failed')
        }
      }
    }
  }
}
