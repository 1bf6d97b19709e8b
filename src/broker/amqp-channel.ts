import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import type { AmqpSession } from './amqp-session.ts'

/** Long enough for any broker that responds at all. */
const CLOSE_MS = 1_000

/**
 * Opens a channel that restarts the whole session if it is closed by anyone else: by a protocol error,
 * the broker's consumer timeout, or an operator.
 */
export async function openChannel(session: AmqpSession): Promise<Channel> {
  return watch(await session.model.createChannel(), session)
}

/** The same with publisher confirms. */
export async function openConfirmChannel(session: AmqpSession): Promise<ConfirmChannel> {
  return watch(await session.model.createConfirmChannel(), session)
}

function watch<C extends Channel>(channel: C, session: AmqpSession): C {
  let reason: unknown = new Error('a channel was closed')
  channel.on('error', (error) => {
    reason = error
  })
  channel.on('close', () => session.restart(reason))
  return channel
}

/** Flushes and closes a channel, without restarting the session. */
export async function closeChannel(channel: Channel): Promise<void> {
  channel.removeAllListeners('close')
  await atMost(CLOSE_MS, async () => channel.close())
}

/** Closes a connection, or destroys it after a timeout. */
export async function closeModel(model: ChannelModel): Promise<void> {
  await atMost(CLOSE_MS, async () => model.close())
  cutModel(model)
}

/**
 * Destroys a connection at once. amqplib only half-closes its socket, which would keep the process
 * alive for minutes if the peer has vanished. The error notifies amqplib, which would otherwise wait
 * for its heartbeat.
 */
export function cutModel(model: ChannelModel): void {
  const { stream } = model.connection as { stream?: { destroy?: (error: Error) => void } }
  stream?.destroy?.(new Error('the connection was cut'))
}

/**
 * Waits for the work for at most this long and ignores its result: amqplib's close never settles if the
 * connection is lost before the broker has replied (amqp-node/amqplib, issue 181).
 */
export async function atMost(ms: number, work: () => Promise<unknown>): Promise<void> {
  const timeout = new AbortController()
  try {
    await Promise.race([work(), sleep(ms, undefined, timeout)])
  } catch {
    // Closed already.
  } finally {
    timeout.abort()
  }
}
