import { addAbortListener } from 'node:events'
import { type ChannelModel, connect } from 'amqplib'
import { backoff } from '../lib/async/backoff.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { describeConnectError } from '../lib/tls/connect-errors.ts'
import type { ClientTls } from '../lib/tls/tls-files.ts'
import type { AmqpAddress } from './amqp-address.ts'
import { closeModel, cutModel } from './amqp-channel.ts'
import { type AmqpSession, type Attach, QueueGoneError } from './amqp-session.ts'

const CONNECT_WITHIN_MS = 5_000
/** For declaring and attaching; after that the connection is retried. */
const SET_UP_WITHIN_MS = 30_000
const RETRY = { firstMs: 100, maxMs: 5_000 }
/** RabbitMQ 3.10 may permanently break a quorum queue that is declared while it is being deleted. */
const RETRY_WHEN_DELETED = { firstMs: 1_000, maxMs: 5_000 }
/** A connection that lasted this long resets the back-off. */
const STABLE_AFTER_MS = 10_000

export interface AmqpLinkOptions {
  readonly address: AmqpAddress
  /** For `amqps:`. */
  readonly tls?: ClientTls | undefined
  /** Shown on the broker and in the log. */
  readonly purpose: string
  readonly log: Logger
  /** Runs on each new connection before anything is attached. */
  readonly setUp: (model: ChannelModel) => Promise<void>
  /** Called whenever `up` has changed. */
  readonly onChange: () => void
}

interface Session extends AmqpSession {
  /** It has ended: ignore pending work on it. */
  over: boolean
}

interface Attachment {
  readonly attach: Attach
  gone: boolean
  /** What is attached to the current connection. */
  standing: AsyncDisposable | undefined
}

/**
 * A connection that reconnects automatically, with everything that was attached to it.
 *
 * One loop: connect, set up, attach everything, stay up until the connection ends, back off, repeat.
 * Not amqplib's own recovery, which misses a connection that ends between set-up and listening, and
 * hangs when closing a half-open one.
 */
export class AmqpLink implements AsyncDisposable {
  readonly #options: AmqpLinkOptions
  readonly #log: Logger
  readonly #attachments = new Set<Attachment>()
  readonly #stopping = new AbortController()
  readonly #loop: Promise<void>
  #session: Session | undefined
  #closing = false
  #failure: string | undefined

  constructor(options: AmqpLinkOptions) {
    this.#options = options
    this.#log = options.log.child({ connection: options.purpose })
    this.#loop = this.#run()
  }

  /** Whether the connection is open, with everything attached. */
  get up(): boolean {
    return this.#session !== undefined
  }

  /** The current connection's model. */
  get model(): ChannelModel | undefined {
    return this.#session?.model
  }

  /** Why it is not up. */
  get failure(): string | undefined {
    return this.#failure
  }

  /**
   * Attaches something to this connection and each later one. Resolves once it is attached, or at once
   * while the link is down. Disposing detaches it.
   */
  async attach(attach: Attach): Promise<AsyncDisposable> {
    const attachment: Attachment = { attach, gone: false, standing: undefined }
    this.#attachments.add(attachment)
    const session = this.#session
    if (session) await stand(attachment, session).catch((error) => session.restart(error))
    return {
      [Symbol.asyncDispose]: async () => {
        attachment.gone = true
        this.#attachments.delete(attachment)
        await attachment.standing?.[Symbol.asyncDispose]()
      },
    }
  }

  /** Closes the connection permanently, within a few seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    const model = this.#session?.model
    this.#down(undefined)
    if (model) await closeModel(model)
    this.#stopping.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    const signal = this.#stopping.signal
    let failures = 0
    while (!this.#closing) {
      const began = performance.now()
      let retry = RETRY
      try {
        await this.#live(signal)
      } catch (error) {
        if (this.#closing) return
        if (isOfTheBroker(error)) retry = RETRY_WHEN_DELETED
        this.#logFailure(error)
        this.#down(describeConnectError(error))
      }
      if (performance.now() - began > STABLE_AFTER_MS) failures = 0
      await backoff(failures++, retry, signal).catch(() => {})
    }
  }

  /** Runs one connection until it ends, and throws the reason. */
  async #live(signal: AbortSignal): Promise<never> {
    const { address, purpose, tls } = this.#options
    const serverName = address.tls?.serverName
    const options = {
      timeout: CONNECT_WITHIN_MS,
      noDelay: true,
      clientProperties: { connection_name: `narwhal ${purpose}` },
      signal,
      ...tls?.options,
      ...(serverName ? { servername: serverName } : {}),
    }
    const model = await connect(address.url, options)
    const ended = Promise.withResolvers<never>()
    ended.promise.catch(() => {})
    // The reason is given by `error`, or else by `close`.
    model.on('error', (error) => ended.reject(error))
    model.on('close', (error) => ended.reject(error ?? new Error('the connection was closed')))
    model.on('blocked', (reason) => {
      this.#log.warn({ reason }, `RabbitMQ at ${address.shown} blocks publishers: ${reason}`)
    })
    model.on('unblocked', () => this.#log.info(`RabbitMQ at ${address.shown} unblocks publishers`))
    const session: Session = { model, restart: ended.reject, over: false }
    using _ = addAbortListener(signal, () => cutModel(model))
    const isLate = setTimeout(() => {
      ended.reject(new Error(`no answer within ${SET_UP_WITHIN_MS / 1_000} s`))
    }, SET_UP_WITHIN_MS)
    try {
      await Promise.race([ended.promise, this.#build(session)])
      clearTimeout(isLate)
      return await ended.promise
    } finally {
      clearTimeout(isLate)
      session.over = true
      for (const attachment of this.#attachments) attachment.standing = undefined
      cutModel(model)
    }
  }

  async #build(session: Session): Promise<void> {
    await this.#options.setUp(session.model)
    // The loop includes attachments that are added meanwhile.
    for (const attachment of this.#attachments) await stand(attachment, session)
    if (!session.over && !this.#closing) this.#up(session)
  }

  #up(session: Session): void {
    if (this.#failure) this.#log.info(`reconnected to RabbitMQ at ${this.#options.address.shown}`)
    this.#failure = undefined
    this.#session = session
    this.#options.onChange()
  }

  #down(failure: string | undefined): void {
    this.#failure = failure
    if (!this.#session) return
    this.#session = undefined
    this.#options.onChange()
  }

  /** Once for each reason, not for each try. */
  #logFailure(err: unknown): void {
    const reason = describeConnectError(err)
    if (reason === this.#failure) return
    const shown = this.#options.address.shown
    if (err instanceof NarwhalError) {
      this.#log.error({ err }, `RabbitMQ at ${shown} is unusable: ${reason}; retrying`)
    } else {
      this.#log.warn({ err }, `RabbitMQ at ${shown} is unavailable: ${reason}; retrying`)
    }
  }
}

/** Whether a running broker has ended it, with an AMQP reply code or by deleting a queue. */
function isOfTheBroker(error: unknown): boolean {
  if (error instanceof QueueGoneError) return true
  return error instanceof Error && 'code' in error && typeof error.code === 'number'
}

async function stand(attachment: Attachment, session: Session): Promise<void> {
  const standing = await attachment.attach(session)
  if (session.over) return
  if (attachment.gone) await standing[Symbol.asyncDispose]()
  else attachment.standing = standing
}
