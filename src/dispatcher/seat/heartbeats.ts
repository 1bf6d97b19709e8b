import { SEAT_BEAT_MS } from '../../core/attempt/lease.ts'
import type { DispatcherId } from '../../core/ids.ts'
import { every } from '../../lib/async/every.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Uses } from '../../store/store.ts'

/** Keeps a seat by writing heartbeats until disposed. */
export interface Heartbeats extends AsyncDisposable {
  /**
   * Whether the seat is certainly valid now: its last confirmed heartbeat was sent less than SEAT_MS ago.
   * Others end a seat SEAT_MS after they saw its last heartbeat, which is later.
   */
  readonly isFresh: boolean
  /** Aborts when the seat was ended by another dispatcher, as the store says. */
  readonly ended: AbortSignal
}

export type StartHeartbeats = (id: DispatcherId) => Heartbeats

/**
 * Writes a heartbeat every SEAT_BEAT_MS until disposed; one that fails is followed by the next. `sentAt` is
 * the moment before the write began, by `performance.now()`.
 */
export function sendHeartbeats(deps: {
  store: Uses<'transact'>
  id: DispatcherId
  log: Logger
  maySend: () => boolean
  onSent: (sentAt: number) => void
  onEnded: () => void
}): AsyncDisposable {
  const { store, id, log } = deps
  let failed = false
  const send = async (): Promise<void> => {
    if (!deps.maySend()) return
    const sentAt = performance.now()
    const { result } = await store.transact((write) => write.dispatchers.heartbeat(id))
    failed = false
    if (result) deps.onSent(sentAt)
    else deps.onEnded()
  }
  return every(SEAT_BEAT_MS, send, (error) => {
    if (!failed) log.warn({ reason: describeError(error) }, 'renewing the seat failed')
    failed = true
  })
}
