import { parentPort, workerData } from 'node:worker_threads'
import type { DispatcherId } from '../../core/ids.ts'
import { openLog } from '../../lib/log.ts'
import { openStore } from '../../store/open-store.ts'
import { type BeatWorkerData, monotonicMs, SHARED } from './beat-thread.ts'
import { keepBeating } from './beats.ts'

/** So long may the main thread stand still before its seat is given up. */
const STALLED_MS = 30_000n

/** The thread of `beatOnThread`: writes beats, and tells when the seat was ended. */
const { id, store: config, shared } = workerData as BeatWorkerData
const times = new BigInt64Array(shared)
const log = await openLog({ level: 'warn', pretty: false })
const store = await openStore(config.kind === 'postgres' ? { ...config, poolSize: 1 } : config, log)
let sentAt = 0n
keepBeating({
  store,
  id: id as DispatcherId,
  log,
  mayBeat: () => {
    sentAt = monotonicMs()
    return sentAt - Atomics.load(times, SHARED.mainTickedAt) < STALLED_MS
  },
  onBeat: () => Atomics.store(times, SHARED.beatSentAt, sentAt),
  onEnded: () => parentPort?.postMessage('ended'),
})
