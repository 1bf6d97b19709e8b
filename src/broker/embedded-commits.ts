import type { EventId } from '../core/ids.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { type CommitHandler, MAX_DELIVERIES } from './broker.ts'
import { checkPrefetch, redeliveryDelayMs } from './deliveries.ts'

/** Past this many waiting commits, publishing is refused; the sweep of the store comes back to them. */
const MOST_WAITING = 100_000

interface Delivery {
  readonly eventId: EventId
  /** The number of this delivery, from 1. */
  readonly number: number
}

interface Consumer {
  readonly handler: CommitHandler
  readonly prefetch: number
  readonly inFlight: Set<Promise<void>>
}

/**
 * The commit queue in memory. A commit is in exactly one place: waiting, held until its next
 * delivery, or with one consumer. Consumers with room take turns.
 */
export class EmbeddedCommits implements AsyncDisposable {
  readonly #log: Logger
  /** In the order of arrival. */
  readonly #waiting = new Set<Delivery>()
  readonly #held = new Set<NodeJS.Timeout>()
  readonly #consumers: Consumer[] = []
  #dead = 0
  #dealing: NodeJS.Immediate | undefined
  #closed = false

  constructor(log: Logger) {
    this.#log = log
  }

  get ready(): number {
    return this.#waiting.size + this.#held.size
  }

  get dead(): number {
    return this.#dead
  }

  publish(eventId: EventId): void {
    if (this.ready >= MOST_WAITING) {
      throw new NarwhalError('unavailable', `${MOST_WAITING} commits wait already; try again later`)
    }
    this.#waiting.add({ eventId, number: 1 })
    this.#deal()
  }

  consume(handler: CommitHandler, prefetch: number): AsyncDisposable {
    checkPrefetch(prefetch)
    const consumer: Consumer = { handler, prefetch, inFlight: new Set() }
    this.#consumers.push(consumer)
    this.#deal()
    return {
      [Symbol.asyncDispose]: async () => {
        const at = this.#consumers.indexOf(consumer)
        if (at >= 0) this.#consumers.splice(at, 1)
        await Promise.all(consumer.inFlight)
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearImmediate(this.#dealing)
    for (const timer of this.#held) clearTimeout(timer)
    this.#held.clear()
    await Promise.all(this.#consumers.splice(0).flatMap((consumer) => [...consumer.inFlight]))
  }

  /** Deals out what waits, in a turn of the event loop of its own. */
  #deal(): void {
    if (this.#closed) return
    this.#dealing ??= setImmediate(() => {
      this.#dealing = undefined
      for (const delivery of this.#waiting) {
        const consumer = this.#nextConsumer()
        if (!consumer) break
        this.#waiting.delete(delivery)
        this.#handOver(delivery, consumer)
      }
    })
  }

  /** The first with room, which then goes to the end of the line. */
  #nextConsumer(): Consumer | undefined {
    const at = this.#consumers.findIndex(({ inFlight, prefetch }) => inFlight.size < prefetch)
    if (at < 0) return undefined
    const [consumer] = this.#consumers.splice(at, 1)
    if (consumer) this.#consumers.push(consumer)
    return consumer
  }

  #handOver(delivery: Delivery, consumer: Consumer): void {
    const work = this.#handle(delivery, consumer.handler).then(() => {
      consumer.inFlight.delete(work)
      this.#deal()
    })
    consumer.inFlight.add(work)
  }

  async #handle({ eventId, number }: Delivery, handler: CommitHandler): Promise<void> {
    try {
      await handler(eventId)
    } catch (err) {
      const facts = { err, eventId, delivery: number }
      if (number >= MAX_DELIVERIES) {
        this.#dead++
        this.#log.error(facts, 'a commit event failed too often and is set aside')
        return
      }
      this.#log.warn(facts, 'a commit event failed and will be delivered again')
      this.#hold({ eventId, number: number + 1 })
    }
  }

  #hold(delivery: Delivery): void {
    if (this.#closed) return
    const timer = setTimeout(
      () => {
        this.#held.delete(timer)
        this.#waiting.add(delivery)
        this.#deal()
      },
      redeliveryDelayMs(delivery.number - 1),
    )
    this.#held.add(timer)
  }
}
