import { Counter, Gauge } from '@prometheus-io/client'
import type { Broker } from '../broker/broker.ts'
import { ROUTES, urlOf } from '../contract/rest/endpoints/routes.ts'
import type { Metrics } from '../http/metrics.ts'
import type { Dispatcher } from './dispatcher.ts'

/** Adds the dispatcher's metrics, which are collected at each scrape. */
export function registerDispatcherMetrics(
  metrics: Metrics,
  { dispatcher, broker }: { dispatcher: Dispatcher; broker: Broker },
): void {
  const registers = [metrics]
  new Gauge({
    name: 'narwhal_queue_jobs',
    help: 'Jobs waiting for a runner.',
    registers,
    collect() {
      this.set(dispatcher.queueLength)
    },
  })
  registerPlanMetrics(registers, dispatcher)
  new Gauge({
    name: 'narwhal_open_pipelines',
    help: 'Unfinished pipelines.',
    registers,
    collect() {
      this.set(dispatcher.openPipelines)
    },
  })
  new Counter({
    name: 'narwhal_stale_writes_total',
    help: 'Writes rejected because another dispatcher owned the pipeline by then.',
    registers,
    collect() {
      this.reset()
      this.inc(dispatcher.staleWrites)
    },
  })
  const slots = new Gauge({
    name: 'narwhal_runner_slots',
    help: 'Slots of online runners.',
    labelNames: ['runner', 'state'],
    registers,
    collect() {
      slots.reset()
      for (const { name, slots: all, busy, state } of dispatcher.pool.candidates()) {
        if (state === 'offline') continue
        slots.set({ runner: name, state: 'busy' }, busy)
        slots.set({ runner: name, state: 'free' }, Math.max(0, all - busy))
      }
    },
  })
  const commits = new Gauge({
    name: 'narwhal_commit_queue',
    help: 'Commit events in the queue; `dead`: dead-lettered after too many deliveries.',
    labelNames: ['state'],
    registers,
    async collect() {
      const stats = await broker.stats()
      if (!stats) return
      commits.set({ state: 'ready' }, stats.commitsReady)
      commits.set({ state: 'dead' }, stats.commitsDead)
    },
  })
}

function registerPlanMetrics(registers: Metrics[], dispatcher: Dispatcher): void {
  new Gauge({
    name: 'narwhal_commits_unplanned',
    help: 'Commits waiting for a runner that may read their pipeline file.',
    registers,
    collect() {
      this.set(dispatcher.pool.plannerWaits.size)
    },
  })
  new Gauge({
    name: 'narwhal_plan_shortage',
    help: `1 while no online runner may read pipeline files, so that all commits wait; for the reason see ${urlOf(ROUTES.listQueue)}.`,
    registers,
    collect() {
      this.set(dispatcher.pool.planShortage === undefined ? 0 : 1)
    },
  })
}
