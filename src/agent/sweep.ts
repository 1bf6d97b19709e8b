import { setTimeout as sleep } from 'node:timers/promises'
import { Counter, Gauge } from '@prometheus-io/client'
import type { Broker } from '../broker/broker.ts'
import type { EventId } from '../core/ids.ts'
import type { Metrics } from '../http/metrics.ts'
import { describeError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { PendingEvent } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import type { Intake } from './intake.ts'

/** From one round to the next; up to half as much again, so that several agents take turns. */
const INTERVAL_MS = 10_000
/** The same while there is more to queue than the last round had room for. */
const SOON_MS = 1_000
const PAGE = 500
/** So many pages are looked through in one round. */
const MOST_PAGES = 20
/** Nothing is queued again while so many commits wait in the queue, */
const MOST_READY = 1_000
/** but for so few in each interval, since what waits may be others. */
const TRICKLE = 50
/** Queued again without success, an event is queued more and more seldom, but at least so often. */
const LONGEST_PAUSE_MS = 600_000
/** An event that was queued again so often, and still has no pipeline, is told of. */
const TOLD_AFTER = 5
/** Of so many events it is remembered how often they were queued; of more, all come each time. */
const MOST_REMEMBERED = 10_000

export interface SweepDeps {
  readonly store: Store
  readonly broker: Broker
  readonly intake: Intake
  readonly metrics: Metrics
  readonly log: Logger
  /** Milliseconds from one round to the next; 10,000 unless told. */
  readonly intervalMs?: number
}

interface Swept {
  times: number
  dueAt: number
  /** In which pass through all events it was last seen. */
  pass: number
}

/**
 * Publishes again what the store says has no pipeline yet: whatever the queue has lost, or never
 * got. At start and when the broker comes back everything, else what is older than one interval.
 * A round goes on where the last one stopped, so that every event has its turn; how much it may do
 * is bounded, and it does next to nothing while the queue is full anyway. Several agents so do
 * not queue the same backlog each.
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
      help: `Commit events without a pipeline after being requeued ${TOLD_AFTER} times.`,
      registers,
      collect() {
        this.set(countStuck())
      },
    })
  }

  /** The events that were queued again and again, and have no pipeline. */
  get stuck(): EventId[] {
    return [...this.#swept].flatMap(([id, { times }]) => (times >= TOLD_AFTER ? [id] : []))
  }

  /** Sweeps until aborted; waits for the next round, the broker's return or the end. */
  async run(signal: AbortSignal): Promise<void> {
    using _ = this.#deps.broker.onState((state) => {
      if (state === 'ready') this.#beginAnew()
    })
    while (!signal.aborted) {
      let hasMore = false
      try {
        hasMore = await this.#round()
      } catch (error) {
        this.#deps.log.warn({ reason: describeError(error) }, 'sweep failed; will try again')
      }
      const jittered = this.#intervalMs * (1 + Math.random() / 2)
      const pauseMs = hasMore ? Math.min(SOON_MS, this.#intervalMs) : jittered
      const either = AbortSignal.any([signal, this.#wake.signal])
      await sleep(pauseMs, undefined, { signal: either }).catch(() => undefined)
      if (this.#wake.signal.aborted) this.#wake = new AbortController()
    }
  }

  /** The queue may have lost everything. */
  #beginAnew(): void {
    for (const swept of this.#swept.values()) swept.dueAt = 0
    this.#cursor = undefined
    this.#olderThanMs = 0
    this.#wake.abort()
  }

  /** Whether there was more to do than it may do at a time. */
  async #round(): Promise<boolean> {
    const { store, broker, log } = this.#deps
    const { result: ended } = await store.transact((write) => write.events.endOfRemoved())
    if (ended > 0) log.info({ events: ended }, 'commits of removed repositories are not built')
    const stats = await broker.stats()
    // It takes nothing now, and tells when it does again.
    if (!stats) return false
    const before = Date.now() - this.#olderThanMs
    let room = this.#roomBeside(stats.commitsReady)
    const queued: EventId[] = []
    for (let pages = 0; pages < MOST_PAGES && room > 0; pages++) {
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
    if (queued.length > 0) log.info({ events: queued.length }, 'queued commits again')
    return room === 0 || this.#cursor !== undefined
  }

  #roomBeside(ready: number): number {
    if (ready < MOST_READY) return MOST_READY - ready
    if (Date.now() < this.#trickledAt + this.#intervalMs) return 0
    this.#trickledAt = Date.now()
    return TRICKLE
  }

  /** All that is pending was seen; what was not has its pipeline by now. */
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
    if (times === 1 && this.#swept.size >= MOST_REMEMBERED) return
    const pauseMs = Math.min(LONGEST_PAUSE_MS, this.#intervalMs * 2 ** (times - 1))
    this.#swept.set(id, { times, dueAt: Date.now() + pauseMs, pass: this.#pass })
    if (times !== TOLD_AFTER) return
    const words =
      'a commit was queued again and again, and has no pipeline; the dispatchers know why'
    this.#deps.log.error({ event: id, times }, words)
  }
}
