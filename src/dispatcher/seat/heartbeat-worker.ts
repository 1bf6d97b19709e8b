import { parentPort, workerData } from 'node:worker_threads'
import type { DispatcherId } from '../../core/ids.ts'
import { openLog } from '../../lib/log.ts'
import { openStore } from '../../store/open-store.ts'
import { type HeartbeatWorkerData, monotonicMs, SHARED } from './heartbeat-thread.ts'
import { sendHeartbeats } from './heartbeats.ts'

/** How long the main thread may be stalled before its seat is given up. */
const STALLED_MS = 30_000n

/** The thread of `heartbeatsOnThread`: sends heartbeats, and notifies it when the seat was ended. */
const { id, store: config, shared } = workerData as HeartbeatWorkerData
const times = new BigInt64Array(shared)
const log = await openLog({ level: 'warn', pretty: false })
const store = await openStore(config.kind === 'postgres' ? { ...config, poolSize: 1 } : config, log)
let sentAt = 0n
sendHeartbeats({
  store,
  id: id as DispatcherId,
  log,
  maySend: () => {
    sentAt = monotonicMs()
    return sentAt - Atomics.load(times, SHARED.mainTickedAt) < STALLED_MS
  },
  onSent: () => Atomics.store(times, SHARED.sentAt, sentAt),
  onEnded: () => parentPort?.postMessage('ended'),
})
