import type { ReceivedEvent } from '../../core/attempt/attempt-event.ts'

/**
 * What has to be added to a runner's clock to get ours, in milliseconds. The runner sent its first
 * message between the opening of the stream and the arrival, which leaves a range; the smallest offset
 * in it is taken, so that of two clocks that agree none is moved by a message that took long.
 */
export function clockOffset(
  runnerAt: number,
  ours: { readonly openedAt: number; readonly arrivedAt: number },
): number {
  return Math.min(ours.arrivedAt - runnerAt, Math.max(ours.openedAt - runnerAt, 0))
}

/** The event by our clock, with its offset, so that a runner's that is off does no harm. */
export function onOurClock(received: ReceivedEvent, clockOffsetMs: number): ReceivedEvent {
  const { seq, event } = received
  const at = received.at + clockOffsetMs
  if (event?.type !== 'log') return { ...received, at }
  return { seq, at, event: { ...event, chunk: { ...event.chunk, clockOffsetMs } } }
}
