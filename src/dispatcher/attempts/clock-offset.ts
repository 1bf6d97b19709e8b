import type { ReceivedEvent } from '../../core/attempt/attempt-event.ts'

/**
 * The offset from a runner's clock to ours, in milliseconds. The runner sent its first message between the
 * opening of the stream and the arrival, which leaves a range; the smallest offset in it is used, so that a
 * slow message doesn't shift clocks that agree.
 */
export function clockOffset(
  runnerAt: number,
  ours: { readonly openedAt: number; readonly arrivedAt: number },
): number {
  return Math.min(ours.arrivedAt - runnerAt, Math.max(ours.openedAt - runnerAt, 0))
}

/** The event in our clock's time, so that a wrong clock of a runner does no harm. */
export function onOurClock(received: ReceivedEvent, clockOffsetMs: number): ReceivedEvent {
  const { seq, event } = received
  const at = received.at + clockOffsetMs
  if (event?.type !== 'log') return { ...received, at }
  return { seq, at, event: { ...event, chunk: { ...event.chunk, clockOffsetMs } } }
}
