import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SEAT_BEAT_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreConfig } from '../../store/open-store.ts'
import type { StartHeartbeats } from './heartbeats.ts'

/** Next to this file, with the same extension: the source, or a bundle's own entry point. */
const ENTRY = new URL(`./heartbeat-worker${extname(import.meta.url)}`, import.meta.url)

/** Indices of the shared numbers: times in milliseconds on the machine's monotonic clock. */
export const SHARED = { sentAt: 0, mainTickedAt: 1 } as const

export interface HeartbeatWorkerData {
  readonly id: string
  readonly store: StoreConfig
  readonly shared: SharedArrayBuffer
}

/** A clock that all threads of the process share and nobody can set. */
export function monotonicMs(): bigint {
  return process.hrtime.bigint() / 1_000_000n
}

/**
 * Sends heartbeats on a separate thread with its own connection, so that a stalled event loop doesn't lose
 * the seat. The thread stops sending when the main one has been stalled for too long: a seat whose owner does
 * no work must not be kept.
 */
export function heartbeatsOnThread(store: StoreConfig, log: Logger): StartHeartbeats {
  return (id) => {
    const shared = new SharedArrayBuffer(16)
    const times = new BigInt64Array(shared)
    Atomics.store(times, SHARED.sentAt, monotonicMs())
    const tick = (): void => {
      Atomics.store(times, SHARED.mainTickedAt, monotonicMs())
    }
    tick()
    const ticking = setInterval(tick, SEAT_BEAT_MS)
    const ended = new AbortController()
    const worker = new Worker(ENTRY, {
      workerData: { id, store, shared } satisfies HeartbeatWorkerData,
    })
    worker.on('message', () => ended.abort())
    worker.on('error', (err) => {
      log.error({ err }, 'heartbeat thread failed')
      ended.abort()
    })
    return {
      get isFresh() {
        const age = monotonicMs() - Atomics.load(times, SHARED.sentAt)
        return !ended.signal.aborted && age < BigInt(SEAT_MS)
      },
      ended: ended.signal,
      [Symbol.asyncDispose]: async () => {
        clearInterval(ticking)
        await worker.terminate()
      },
    }
  }
}
