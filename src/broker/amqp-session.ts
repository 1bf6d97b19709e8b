import type { ChannelModel } from 'amqplib'

/** One connection while it is open. */
export interface AmqpSession {
  readonly model: ChannelModel
  /** Closes this connection for this reason and opens a new one. */
  restart(reason: unknown): void
}

/** Attaches something to a new connection; disposing the result detaches it. */
export type Attach = (session: AmqpSession) => Promise<AsyncDisposable>

/** A queue was deleted while in use. */
export class QueueGoneError extends Error {
  constructor(queue: string) {
    super(`the queue ${queue} was deleted`)
  }
}
