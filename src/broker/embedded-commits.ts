import type { EventId } from '../core/ids.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { type CommitHandler, MAX_DELIVERIES } from './broker.ts'
import { checkPrefetch, redeliveryDelayMs } from './deliveries.ts'

/** Beyond this many waiting commits, publishing is rejected; the sweep requeues them later. */
const MAX_WAITING = 100_000

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
 * The commit queue in memory. A commit is in exactly one state: waiting, held until its redelivery, or
 * in flight at one consumer. Consumers with free prefetch take turns.
 */
export class EmbeddedCommits implements AsyncDisposable {
  readonly #log: Logger
  /** In the order of arrival. */
  readonly #waiting = new Set<Delivery>()
  readonly #held = new Set<NodeJS.Timeout>()
  readonly #consumers: Consumer[] = []
  #dead = 0
  #delivering: NodeJS.Immediate | undefined
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
    if (this.ready >= MAX_WAITING) {
      throw new NarwhalError('unavailable', `${MAX_WAITING} commits are queued; try again later`)
    }
    this.#waiting.add({ eventId, number: 1 })
    this.#deliver()
  }

  consume(handler: CommitHandler, prefetch: number): AsyncDisposable {
    checkPrefetch(prefetch)
    const consumer: Consumer = { handler, prefetch, inFlight: new Set() }
    this.#consumers.push(consumer)
    this.#deliver()
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
    clearImmediate(this.#delivering)
    for (const timer of this.#held) clearTimeout(timer)
    this.#held.clear()
    await Promise.all(this.#consumers.splice(0).flatMap((consumer) => [...consumer.inFlight]))
  }

  /** Delivers waiting commits in a later turn of the event loop. */
  #deliver(): void {
    if (this.#closed) return
    this.#delivering ??= setImmediate(() => {
      this.#delivering = undefined
      for (const delivery of this.#waiting) {
        const consumer = this.#nextConsumer()
        if (!consumer) break
        this.#waiting.delete(delivery)
        this.#start(delivery, consumer)
      }
    })
  }

  /** Round robin among consumers with free prefetch. */
  #nextConsumer(): Consumer | undefined {
    const at = this.#consumers.findIndex(({ inFlight, prefetch }) => inFlight.size < prefetch)
    if (at < 0) return undefined
    const [consumer] = this.#consumers.splice(at, 1)
    if (consumer) this.#consumers.push(consumer)
    return consumer
  }

  #start(delivery: Delivery, consumer: Consumer): void {
    const work = this.#handle(delivery, consumer.handler).then(() => {
      consumer.inFlight.delete(work)
      this.#deliver()
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
        this.#log.error(facts, 'commit event failed too often: dead-lettered')
        return
      }
      this.#log.warn(facts, 'commit event failed: will be redelivered')
      this.#hold({ eventId, number: number + 1 })
    }
  }

  #hold(delivery: Delivery): void {
    if (this.#closed) return
    const timer = setTimeout(
      () => {
        this.#held.delete(timer)
        this.#waiting.add(delivery)
        this.#deliver()
      },
      redeliveryDelayMs(delivery.number - 1),
    )
    this.#held.add(timer)
  }
}
