import type { PublishedEvent } from '../contract/live/live-event.ts'

/**
 * A process's source of live events: state changes and log lines after they were stored, and samples. An
 * `EventHub<PublishedEvent>` is one. Events may be lost; readers that must not miss any read the store
 * when there is a gap in the numbers.
 */
export interface LiveSource {
  listen(listener: (event: PublishedEvent) => void): Disposable
  /** Called when events may have been lost, so that readers check the store at once. */
  onGap?(listener: () => void): Disposable
}
