import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, Gauge } from '@prometheus-io/client'
import type { Broker } from '../broker/broker.ts'
import type { EventId } from '../core/ids.ts'
import type { Metrics } from '../http/metrics.ts'
import { describeError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { PendingEvent } from '../store/records.ts'
import type { Uses } from '../store/store.ts'
import type { Intake } from './intake.ts'

/** Between rounds; with up to 50% jitter, so that several agents take turns. */
const INTERVAL_MS = 10_000
/** Between rounds while there is a backlog. */
const BACKLOG_INTERVAL_MS = 1_000
const PAGE = 500
/** Pages read in one round, at most. */
const MAX_PAGES = 20
/** With this many commits in the queue nothing is requeued, */
const MAX_READY = 1_000
/** except these few in each interval, since the queued ones may be others. */
const TRICKLE = 50
/** The back-off for an event that was requeued without success. */
const MAX_BACKOFF_MS = 600_000
/** An event without a pipeline after being requeued this often is logged. */
const STUCK_AFTER = 5
/** The number of events with a back-off; further ones are requeued in each round. */
const MAX_TRACKED = 10_000

export interface SweepDeps {
  readonly store: Uses<'events' | 'transact'>
  readonly broker: Broker
  readonly intake: Intake
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds between rounds; 10,000 by default. */
  readonly intervalMs?: number
}

interface Swept {
  times: number
  dueAt: number
  /** In which pass through all events it was last seen. */
  pass: number
}

/**
 * Requeues events without a pipeline, which the queue has lost or never received: all of them at start
 * and after a reconnect to the broker, otherwise those older than one interval. A round continues where
 * the last one stopped, so that every event gets its turn. Its work is bounded, and next to nothing
 * while the queue is full anyway, so that several agents don't each queue the same backlog.
 */
export class Sweep {
  readonly #deps: SweepDeps
  readonly #intervalMs: number
  readonly #swept = new Map<EventId, Swept>()
  readonly #again: Counter
  #cursor: PendingEvent | undefined
  #pass = 1
  #olderThanMs = 0
  #trickledAt = 0
  #wake = new AbortController()

  constructor(deps: SweepDeps) {
    this.#deps = deps
    this.#intervalMs = deps.intervalMs ?? INTERVAL_MS
    const registers = [deps.metrics]
    this.#again = new Counter({
      name: 'narwhal_commits_requeued_total',
      help: 'Commit events without a pipeline that were requeued.',
      registers,
    })
    const countStuck = (): number => this.stuck.length
    new Gauge({
      name: 'narwhal_commits_stuck',
      help: `Commit events without a pipeline after being requeued ${STUCK_AFTER} times.`,
      registers,
      collect() {
        this.set(countStuck())
      },
    })
  }

  /** Events without a pipeline after being requeued STUCK_AFTER times. */
  get stuck(): EventId[] {
    return [...this.#swept].flatMap(([id, { times }]) => (times >= STUCK_AFTER ? [id] : []))
  }

  /** Sweeps until aborted; each iteration waits for the next round, a reconnect or the abort. */
  async run(signal: AbortSignal): Promise<void> {
    using _ = this.#deps.broker.onState((state) => {
      if (state === 'ready') this.#restart()
    })
    while (!signal.aborted) {
      let hasMore = false
      try {
        hasMore = await this.#round()
      } catch (error) {
        this.#deps.log.warn({ reason: describeError(error) }, 'sweep failed: retrying')
      }
      const jittered = this.#intervalMs * (1 + Math.random() / 2)
      const pauseMs = hasMore ? Math.min(BACKLOG_INTERVAL_MS, this.#intervalMs) : jittered
      const either = AbortSignal.any([signal, this.#wake.signal])
      await sleep(pauseMs, undefined, { signal: either }).catch(() => undefined)
      if (this.#wake.signal.aborted) this.#wake = new AbortController()
    }
  }

  /** Starts from scratch: the queue may have lost everything. */
  #restart(): void {
    for (const swept of this.#swept.values()) swept.dueAt = 0
    this.#cursor = undefined
    this.#olderThanMs = 0
    this.#wake.abort()
  }

  /** Returns whether there is a backlog. */
  async #round(): Promise<boolean> {
    const { store, broker, log } = this.#deps
    const { result: ended } = await store.transact((write) => write.events.endOfRemoved())
    if (ended > 0) log.info({ events: ended }, 'commits of removed repositories dropped')
    const stats = await broker.stats()
    // The broker is unavailable; `onState` reports the reconnect.
    if (!stats) return false
    const before = Date.now() - this.#olderThanMs
    let room = this.#roomFor(stats.commitsReady)
    const queued: EventId[] = []
    for (let pages = 0; pages < MAX_PAGES && room > 0; pages++) {
      const after = this.#cursor
      const query = { before, limit: PAGE, ...present({ after }) }
      for (const event of await store.events.listPending(query)) {
        if (room === 0) break
        this.#cursor = event
        if (!this.#isDue(event.id)) continue
        queued.push(event.id)
        room--
      }
      if (this.#cursor !== after && room > 0) continue
      if (room > 0) this.#endPass()
      break
    }
    for (const id of queued) this.#publish(id)
    if (queued.length > 0) log.info({ events: queued.length }, 'commits requeued')
    return room === 0 || this.#cursor !== undefined
  }

  #roomFor(ready: number): number {
    if (ready < MAX_READY) return MAX_READY - ready
    if (Date.now() < this.#trickledAt + this.#intervalMs) return 0
    this.#trickledAt = Date.now()
    return TRICKLE
  }

  /** All pending events were seen; the others have a pipeline by now. */
  #endPass(): void {
    for (const [id, { pass }] of this.#swept) if (pass < this.#pass) this.#swept.delete(id)
    this.#pass++
    this.#cursor = undefined
    this.#olderThanMs = this.#intervalMs
  }

  #isDue(id: EventId): boolean {
    const swept = this.#swept.get(id)
    if (swept) swept.pass = this.#pass
    return swept === undefined || swept.dueAt <= Date.now()
  }

  #publish(id: EventId): void {
    this.#deps.intake.publish(id)
    this.#again.inc()
    const times = (this.#swept.get(id)?.times ?? 0) + 1
    if (times === 1 && this.#swept.size >= MAX_TRACKED) return
    const pauseMs = Math.min(MAX_BACKOFF_MS, this.#intervalMs * 2 ** (times - 1))
    this.#swept.set(id, { times, dueAt: Date.now() + pauseMs, pass: this.#pass })
    if (times !== STUCK_AFTER) return
    const message =
      "commit stuck: requeued repeatedly without a pipeline; see the dispatchers' logs"
    this.#deps.log.error({ event: id, times }, message)
  }
}
