import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import type { AmqpSession } from './amqp-session.ts'

/** Long enough for any broker that answers at all. */
const GOODBYE_MS = 1_000

/**
 * Opens a channel that restarts the whole session should it close before we close it: by an error
 * of ours, the broker's consumer time-out, or an operator.
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

/** Closes a channel after what was written to it, without restarting the session. */
export async function closeChannel(channel: Channel): Promise<void> {
  channel.removeAllListeners('close')
  await atMost(GOODBYE_MS, async () => channel.close())
}

/** Closes a connection; one that does not say goodbye in time is cut. */
export async function closeModel(model: ChannelModel): Promise<void> {
  await atMost(GOODBYE_MS, async () => model.close())
  cutModel(model)
}

/**
 * Cuts a connection at once. amqplib only half-closes its socket, and where the other side is gone
 * without a word that would keep the process for minutes. The error is what tells amqplib, which
 * would otherwise wait for its heartbeat.
 */
export function cutModel(model: ChannelModel): void {
  const { stream } = model.connection as { stream?: { destroy?: (error: Error) => void } }
  stream?.destroy?.(new Error('the connection was cut'))
}

/**
 * Waits for the work, but no longer than this, and whatever comes of it: amqplib's close never
 * settles when the connection dies before the broker has answered it (amqp-node/amqplib, issue 181).
 */
export async function atMost(ms: number, work: () => Promise<unknown>): Promise<void> {
  const patience = new AbortController()
  try {
    await Promise.race([work(), sleep(ms, undefined, patience)])
  } catch {
    // It is closed already, then.
  } finally {
    patience.abort()
  }
}
