import { SEAT_MS } from '../../src/core/attempt/lease.ts'
import { type StartHeartbeats, sendHeartbeats } from '../../src/dispatcher/seat/heartbeats.ts'
import type { Logger } from '../../src/lib/log.ts'
import type { Store } from '../../src/store/store.ts'

/** Sends heartbeats on this very thread. */
export function heartbeatsHere(store: Store, log: Logger): StartHeartbeats {
  return (id) => {
    const ended = new AbortController()
    let freshUntil = performance.now() + SEAT_MS
    const sending = sendHeartbeats({
      store,
      id,
      log,
      maySend: () => true,
      onSent: (sentAt) => {
        freshUntil = sentAt + SEAT_MS
      },
      onEnded: () => ended.abort(),
    })
    return {
      get isFresh() {
        return !ended.signal.aborted && performance.now() < freshUntil
      },
      ended: ended.signal,
      [Symbol.asyncDispose]: () => sending[Symbol.asyncDispose](),
    }
  }
}
