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
/** Declaring and attaching; a broker that takes longer is in trouble, and is tried anew. */
const SET_UP_WITHIN_MS = 30_000
const RETRY = { firstMs: 100, maxMs: 5_000 }
/** RabbitMQ 3.10 may break a quorum queue for good that is made anew while it is still being deleted. */
const RETRY_WHEN_GONE = { firstMs: 1_000, maxMs: 5_000 }
/** A connection that lived this long was a good one: the next back-off begins anew. */
const GOOD_AFTER_MS = 10_000

export interface AmqpLinkOptions {
  readonly address: AmqpAddress
  /** For `amqps:`. */
  readonly tls?: ClientTls | undefined
  /** What the connection is for; seen on the broker and in the log. */
  readonly purpose: string
  readonly log: Logger
  /** Runs on each new connection before anything is attached. */
  readonly setUp: (model: ChannelModel) => Promise<void>
  /** Called whenever `up` has changed. */
  readonly onChange: () => void
}

interface Session extends AmqpSession {
  /** From here on nothing that was begun on it counts. */
  over: boolean
}

interface Attachment {
  readonly attach: Attach
  gone: boolean
  /** Takes down what stands on the present connection. */
  standing: AsyncDisposable | undefined
}

/**
 * A connection that comes back by itself, with all that was attached to it.
 *
 * One loop: connect, set up, attach everything, be up until the connection ends, back off, again.
 * amqplib has a recovery of its own; this one exists because that one misses a connection which
 * ends between its set-up and its own listening, and waits for ever to close one that is half dead.
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

  /** Whether the connection stands, with everything attached. */
  get up(): boolean {
    return this.#session !== undefined
  }

  /** The present connection's model. */
  get model(): ChannelModel | undefined {
    return this.#session?.model
  }

  /** Why it is not up, in words. */
  get failure(): string | undefined {
    return this.#failure
  }

  /**
   * Attaches something to this connection and to each one after it. Resolves once it stands, or at
   * once while the link is down. Disposing takes it down.
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

  /** Closes the connection for good; takes a few seconds at most. */
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
        if (isOfTheBroker(error)) retry = RETRY_WHEN_GONE
        this.#say(error)
        this.#down(describeConnectError(error))
      }
      if (performance.now() - began > GOOD_AFTER_MS) failures = 0
      await backoff(failures++, retry, signal).catch(() => {})
    }
  }

  /** One connection from its beginning to its end, for which it throws the reason. */
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
    // The reason comes with `error`, or else with `close`.
    model.on('error', (error) => ended.reject(error))
    model.on('close', (error) => ended.reject(error ?? new Error('the connection was closed')))
    model.on('blocked', (reason) => {
      this.#log.warn({ reason }, `RabbitMQ at ${address.shown} takes nothing now: ${reason}`)
    })
    model.on('unblocked', () => this.#log.info(`RabbitMQ at ${address.shown} takes messages again`))
    const session: Session = { model, restart: ended.reject, over: false }
    using _ = addAbortListener(signal, () => cutModel(model))
    const isLate = setTimeout(() => {
      ended.reject(new Error(`it does not answer within ${SET_UP_WITHIN_MS / 1_000} s`))
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
    // Those that come while this goes on are met by the same loop.
    for (const attachment of this.#attachments) await stand(attachment, session)
    if (!session.over && !this.#closing) this.#up(session)
  }

  #up(session: Session): void {
    if (this.#failure) this.#log.info(`RabbitMQ at ${this.#options.address.shown} is back`)
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

  /** Once for each reason, not once for each try. */
  #say(err: unknown): void {
    const reason = describeConnectError(err)
    if (reason === this.#failure) return
    const shown = this.#options.address.shown
    if (err instanceof NarwhalError) {
      this.#log.error({ err }, `RabbitMQ at ${shown} can't be used: ${reason}; trying again`)
    } else {
      this.#log.warn({ err }, `RabbitMQ at ${shown} is away: ${reason}; trying again`)
    }
  }
}

/** Whether a broker that is there has ended it, with a reply code of AMQP or by deleting a queue. */
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
