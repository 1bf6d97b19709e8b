import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SEAT_BEAT_MS, SEAT_MS } from '../../core/attempt/lease.ts'
import type { Logger } from '../../lib/log.ts'
import type { StoreConfig } from '../../store/open-store.ts'
import type { StartBeats } from './beats.ts'

/** Beside this file, with the same ending: as it is written, or bundled as an entry of its own. */
const ENTRY = new URL(`./beat-worker${extname(import.meta.url)}`, import.meta.url)

/** Of the numbers that both threads see; times are milliseconds on the machine's monotonic clock. */
export const SHARED = { beatSentAt: 0, mainTickedAt: 1 } as const

export interface BeatWorkerData {
  readonly id: string
  readonly store: StoreConfig
  readonly shared: SharedArrayBuffer
}

/** A clock that all threads of the process share and nobody sets. */
export function monotonicMs(): bigint {
  return process.hrtime.bigint() / 1_000_000n
}

/**
 * Beats on a thread of its own, with a connection of its own, so that a stalled event loop does not
 * lose the seat. The thread in turn stops when the main one has not moved for too long: a seat that
 * nobody works on must not be kept.
 */
export function beatOnThread(store: StoreConfig, log: Logger): StartBeats {
  return (id) => {
    const shared = new SharedArrayBuffer(16)
    const times = new BigInt64Array(shared)
    Atomics.store(times, SHARED.beatSentAt, monotonicMs())
    const tick = (): void => {
      Atomics.store(times, SHARED.mainTickedAt, monotonicMs())
    }
    tick()
    const ticking = setInterval(tick, SEAT_BEAT_MS)
    const ended = new AbortController()
    const worker = new Worker(ENTRY, {
      workerData: { id, store, shared } satisfies BeatWorkerData,
    })
    worker.on('message', () => ended.abort())
    worker.on('error', (err) => {
      log.error({ err }, 'the thread that renews the seat has failed')
      ended.abort()
    })
    return {
      get isFresh() {
        const age = monotonicMs() - Atomics.load(times, SHARED.beatSentAt)
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
