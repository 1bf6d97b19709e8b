import type { PublishedEvent } from '../contract/live/live-event.ts'

/**
 * Where a process hears what happens: state changes after they were written, lines after they were
 * stored, samples. An `EventHub<PublishedEvent>` is one. An event may be lost on its way here; readers
 * that must miss nothing look into the store when numbers don't follow each other.
 */
export interface LiveSource {
  listen(listener: (event: PublishedEvent) => void): Disposable
  /** Tells when events may have been lost, so that readers look into the store at once. */
  onGap?(listener: () => void): Disposable
}
