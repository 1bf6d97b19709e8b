import { Counter, Gauge } from '@prometheus-io/client'
import type { Metrics } from '../../http/metrics.ts'
import type { DatabaseGuard } from '../ledger/database-guard.ts'
import type { Retention } from './retention.ts'

/** Adds how much room the database has, and what was removed from it. */
export function registerRetentionMetrics(
  metrics: Metrics,
  { guard, retention }: { readonly guard: DatabaseGuard; readonly retention: Retention },
): void {
  registerRoom([metrics], guard)
  registerRemoved([metrics], retention)
}

function registerRoom(registers: Metrics[], guard: DatabaseGuard): void {
  const bytes = new Gauge({
    name: 'narwhal_database_bytes',
    help: 'What the database takes, what of that is free inside, and what its disk has left.',
    labelNames: ['what'],
    registers,
    collect() {
      const { room } = guard
      if (!room) return
      bytes.set({ what: 'used' }, room.usedBytes)
      bytes.set({ what: 'free_inside' }, room.freeInsideBytes)
      if (room.freeOutsideBytes !== undefined) bytes.set({ what: 'disk' }, room.freeOutsideBytes)
    },
  })
  new Gauge({
    name: 'narwhal_database_short',
    help: '1 while no new job starts, since the database has no room.',
    registers,
    collect() {
      this.set(guard.shortage === undefined ? 0 : 1)
    },
  })
  const dead = new Gauge({
    name: 'narwhal_database_dead_rows',
    help: 'Rows that were removed and take room until PostgreSQL cleans up; absent with SQLite.',
    labelNames: [],
    registers,
    collect() {
      dead.reset()
      const { deadRows } = guard.room ?? {}
      if (deadRows !== undefined) dead.set(deadRows)
    },
  })
}

function registerRemoved(registers: Metrics[], retention: Retention): void {
  const removed = new Counter({
    name: 'narwhal_removed_total',
    help: 'What was removed since it was older than it is to be kept; failed: what could not be.',
    labelNames: ['what'],
    registers,
    collect() {
      removed.reset()
      const { pipelines, logs, repositories, failed } = retention.total
      for (const [what, count] of Object.entries({ pipelines, logs, repositories, failed })) {
        removed.inc({ what }, count)
      }
    },
  })
  new Counter({
    name: 'narwhal_removed_log_bytes_total',
    help: 'Bytes of logs that were removed, as they were stored.',
    registers,
    collect() {
      this.reset()
      this.inc(retention.total.bytes)
    },
  })
  new Gauge({
    name: 'narwhal_retention_longest_step_seconds',
    help: 'The longest that one step of removing has taken.',
    registers,
    collect() {
      this.set(retention.steps.longestMs / 1_000)
    },
  })
}
