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
