import { SEAT_BEAT_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import type { DispatcherId } from '../../core/ids.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Store } from '../../store/store.ts'

/** What keeps a seat: its beats, written again and again until disposed. */
export interface Beats extends AsyncDisposable {
  /**
   * Whether the seat surely holds now: its last beat that the store confirmed was sent less than
   * SEAT_MS ago. Others end a seat only so long after they saw its last beat, which is later.
   */
  readonly isFresh: boolean
  /** Aborts when the store says that the seat was ended by another dispatcher. */
  readonly ended: AbortSignal
}

export type StartBeats = (id: DispatcherId) => Beats

/** Beats on this very thread. */
export function beatHere(store: Store, log: Logger): StartBeats {
  return (id) => {
    const ended = new AbortController()
    let freshUntil = performance.now() + SEAT_MS
    const stop = keepBeating({
      store,
      id,
      log,
      mayBeat: () => true,
      onBeat: (sentAt) => {
        freshUntil = sentAt + SEAT_MS
      },
      onEnded: () => ended.abort(),
    })
    return {
      get isFresh() {
        return !ended.signal.aborted && performance.now() < freshUntil
      },
      ended: ended.signal,
      [Symbol.asyncDispose]: () => stop(),
    }
  }
}

/**
 * Writes a beat every SEAT_BEAT_MS until the function that it returns is called; one that fails is
 * followed by the next. `sentAt` is the moment before the write began, by `performance.now()`.
 */
export function keepBeating(deps: {
  store: Store
  id: DispatcherId
  log: Logger
  mayBeat: () => boolean
  onBeat: (sentAt: number) => void
  onEnded: () => void
}): () => Promise<void> {
  const { store, id, log } = deps
  let writing: Promise<void> | undefined
  let failed = false
  const beat = async (): Promise<void> => {
    const sentAt = performance.now()
    try {
      const { result } = await store.transact((write) => write.dispatchers.heartbeat(id))
      failed = false
      if (result) deps.onBeat(sentAt)
      else deps.onEnded()
    } catch (error) {
      if (!failed) log.warn({ reason: describeError(error) }, 'the seat could not be renewed')
      failed = true
    }
  }
  const timer = setInterval(() => {
    if (writing || !deps.mayBeat()) return
    writing = beat().finally(() => {
      writing = undefined
    })
  }, SEAT_BEAT_MS)
  return async () => {
    clearInterval(timer)
    await writing
  }
}
