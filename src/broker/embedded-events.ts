import type { EventMessage } from '../contract/live/event-message.ts'
import type { Logger } from '../lib/log.ts'
import { topicMatcher } from './topic.ts'

/** How many events wait for the next turn of the event loop before the oldest is dropped. */
const MOST_WAITING = 10_000

type Listener = (topic: string, message: EventMessage) => void

interface Subscriber {
  readonly matches: (topic: string) => boolean
  readonly listener: Listener
}

/** The event queue in memory: what is published in one turn of the event loop is heard in the next. */
export class EmbeddedEvents {
  readonly #log: Logger
  readonly #subscribers = new Set<Subscriber>()
  #waiting: { topic: string; message: EventMessage }[] = []
  #telling: NodeJS.Immediate | undefined
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
    // A burst within one turn drops by half, since dropping one by one would copy the queue each time.
    if (this.#waiting.length > 2 * MOST_WAITING) {
      this.#dropped += MOST_WAITING
      this.#waiting = this.#waiting.slice(MOST_WAITING)
    }
    this.#telling ??= setImmediate(() => this.#tell())
  }

  subscribe(pattern: string, listener: Listener): AsyncDisposable {
    const subscriber = { matches: topicMatcher(pattern), listener }
    this.#subscribers.add(subscriber)
    return { [Symbol.asyncDispose]: async () => void this.#subscribers.delete(subscriber) }
  }

  close(): void {
    this.#closed = true
    clearImmediate(this.#telling)
    this.#waiting = []
    this.#subscribers.clear()
  }

  #tell(): void {
    this.#telling = undefined
    const events = this.#waiting
    this.#waiting = []
    for (const { topic, message } of events) {
      for (const { matches, listener } of this.#subscribers) {
        if (!matches(topic)) continue
        try {
          listener(topic, message)
        } catch (err) {
          this.#log.error({ err, topic }, 'a listener of events failed')
        }
      }
    }
  }
}
