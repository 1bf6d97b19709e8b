import type { ChannelModel } from 'amqplib'

/** One connection while it lives. */
export interface AmqpSession {
  readonly model: ChannelModel
  /** Gives this connection up, for this reason, and has a new one made. */
  restart(reason: unknown): void
}

/** Builds something on a new connection. What it resolves to takes it down again. */
export type Attach = (session: AmqpSession) => Promise<AsyncDisposable>

/** Somebody has deleted a queue that is in use. */
export class QueueGoneError extends Error {
  constructor(queue: string) {
    super(`the queue ${queue} is gone`)
  }
}
