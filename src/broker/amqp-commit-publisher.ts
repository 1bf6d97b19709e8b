import type { ConfirmChannel, Message } from 'amqplib'
import type { CommitMessage } from '../contract/live/commit-message.ts'
import type { EventId } from '../core/ids.ts'
import { NarwhalError } from '../lib/errors.ts'
import { atMost, closeChannel, openConfirmChannel } from './amqp-channel.ts'
import { type AmqpSession, QueueGoneError } from './amqp-session.ts'

/** Beyond this many unconfirmed commits, publishing is rejected. */
const MAX_UNCONFIRMED = 10_000
/** amqplib's message for a nack by the broker; any other error means that the channel is closed. */
const NACKED = 'message nacked'

/** When closing, how long to wait for messages in flight. */
const LAST_CONFIRMS_MS = 1_000

interface Entry {
  readonly id: string
  readonly body: Buffer
  readonly timer: NodeJS.Timeout
  readonly confirm: () => void
  readonly fail: (reason: string) => void
  /** The channel it was last sent on. */
  sentOn: ConfirmChannel | undefined
  /** It was unroutable, so its confirm means nothing. */
  returned: boolean
}

export interface CommitPublisherOptions {
  /** The queue's name. */
  readonly queue: string
  /** Milliseconds until a publish without a confirm is rejected. */
  readonly confirmWithinMs: number
  /** The state of the connection, for the error. */
  readonly describe: () => string
}

/**
 * Publishes commits with confirms. A commit stays in the outbox until it is confirmed, rejected or timed
 * out; whenever a new channel is open, everything in the outbox is sent (again).
 */
export class CommitPublisher implements Disposable {
  readonly #options: CommitPublisherOptions
  readonly #outbox = new Map<string, Entry>()
  #channel: ConfirmChannel | undefined
  #blocked: string | undefined
  #session: AmqpSession | undefined
  #lastId = 0

  constructor(options: CommitPublisherOptions) {
    this.#options = options
  }

  publish(eventId: EventId): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (reason: string) =>
      reject(new NarwhalError('unavailable', `publishing ${eventId} failed: ${reason}`))
    if (this.#outbox.size >= MAX_UNCONFIRMED) {
      fail(`${MAX_UNCONFIRMED} others are unconfirmed`)
      return promise
    }
    if (this.#blocked !== undefined) {
      // May last for hours; the caller retries anyway.
      fail(`RabbitMQ blocks publishers: ${this.#blocked}`)
      return promise
    }
    const message: CommitMessage = { v: 1, eventId }
    const entry: Entry = {
      id: String(++this.#lastId),
      body: Buffer.from(JSON.stringify(message)),
      timer: setTimeout(() => this.#giveUp(entry), this.#options.confirmWithinMs),
      confirm: resolve,
      fail,
      sentOn: undefined,
      returned: false,
    }
    this.#outbox.set(entry.id, entry)
    this.#send(entry)
    return promise
  }

  /** For AmqpLink.attach. */
  readonly attach = async (session: AmqpSession): Promise<AsyncDisposable> => {
    const channel = await openConfirmChannel(session)
    const stopped = () => {
      if (this.#channel === channel) this.#channel = undefined
    }
    channel.on('return', (message) => this.#returned(message))
    channel.on('close', stopped)
    session.model.on('blocked', (reason) => {
      this.#blocked = reason
    })
    session.model.on('unblocked', () => {
      this.#blocked = undefined
      this.#sendAll()
    })
    this.#blocked = undefined
    this.#session = session
    this.#channel = channel
    this.#sendAll()
    return {
      [Symbol.asyncDispose]: async () => {
        stopped()
        await atMost(LAST_CONFIRMS_MS, () => channel.waitForConfirms())
        await closeChannel(channel)
      },
    }
  };

  /** Rejects everything that is still in the outbox. */
  [Symbol.dispose](): void {
    for (const entry of this.#outbox.values()) this.#settle(entry, 'the broker is closed')
  }

  #sendAll(): void {
    for (const entry of this.#outbox.values()) {
      if (entry.sentOn !== this.#channel) this.#send(entry)
    }
  }

  #send(entry: Entry): void {
    const channel = this.#channel
    if (!channel || this.#blocked !== undefined) return
    entry.sentOn = channel
    entry.returned = false
    const options = {
      persistent: true,
      mandatory: true,
      messageId: entry.id,
      contentType: 'application/json',
    }
    try {
      channel.sendToQueue(this.#options.queue, entry.body, options, (error) => {
        this.#answered(entry, error)
      })
    } catch {
      // The channel is closing; the next one sends it.
      entry.sentOn = undefined
    }
  }

  #answered(entry: Entry, error: unknown): void {
    if (error instanceof Error) {
      if (error.message === NACKED) this.#settle(entry, 'RabbitMQ rejected it; is the queue full?')
    } else if (entry.returned) {
      entry.returned = false
      entry.sentOn = undefined
      this.#session?.restart(new QueueGoneError(this.#options.queue))
    } else {
      this.#settle(entry, undefined)
    }
  }

  /** RabbitMQ returns an unroutable message before it confirms it. */
  #returned(message: Message): void {
    const entry = this.#outbox.get(String(message.properties.messageId))
    if (entry) entry.returned = true
  }

  #giveUp(entry: Entry): void {
    const why = this.#blocked === undefined ? this.#options.describe() : `blocked: ${this.#blocked}`
    this.#settle(entry, `no confirm within ${this.#options.confirmWithinMs} ms; ${why}`)
  }

  #settle(entry: Entry, failure: string | undefined): void {
    if (!this.#outbox.delete(entry.id)) return
    clearTimeout(entry.timer)
    if (failure === undefined) entry.confirm()
    else entry.fail(failure)
  }
}
