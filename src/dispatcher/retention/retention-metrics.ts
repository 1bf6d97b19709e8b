import { Counter, Gauge } from '@prometheus-io/client'
import type { Metrics } from '../../http/metrics.ts'
import type { DatabaseGuard } from '../ledger/database-guard.ts'
import type { Retention } from './retention.ts'

/** Adds metrics of the database's size and of what retention has deleted. */
export function registerRetentionMetrics(
  metrics: Metrics,
  { guard, retention }: { readonly guard: DatabaseGuard; readonly retention: Retention },
): void {
  registerRoom([metrics], guard)
  registerDeleted([metrics], retention)
}

function registerRoom(registers: Metrics[], guard: DatabaseGuard): void {
  const bytes = new Gauge({
    name: 'narwhal_database_bytes',
    help: 'Size of the database (`used`), what of that is `reusable`, and what is free on its disk (`disk_free`).',
    labelNames: ['kind'],
    registers,
    collect() {
      const { room } = guard
      if (!room) return
      bytes.set({ kind: 'used' }, room.usedBytes)
      bytes.set({ kind: 'reusable' }, room.freeInsideBytes)
      const { freeOutsideBytes } = room
      if (freeOutsideBytes !== undefined) bytes.set({ kind: 'disk_free' }, freeOutsideBytes)
    },
  })
  new Gauge({
    name: 'narwhal_database_below_reserve',
    help: '1 while no new job starts because the database is short of space.',
    registers,
    collect() {
      this.set(guard.shortage === undefined ? 0 : 1)
    },
  })
  const dead = new Gauge({
    name: 'narwhal_database_dead_rows',
    help: 'Dead rows that PostgreSQL has not vacuumed yet; absent with SQLite.',
    labelNames: [],
    registers,
    collect() {
      dead.reset()
      const { deadRows } = guard.room ?? {}
      if (deadRows !== undefined) dead.set(deadRows)
    },
  })
}

function registerDeleted(registers: Metrics[], retention: Retention): void {
  const deleted = new Counter({
    name: 'narwhal_retention_deleted_total',
    help: 'Pipelines, logs and repositories deleted by retention; `failed`: those it could not delete.',
    labelNames: ['kind'],
    registers,
    collect() {
      deleted.reset()
      const { pipelines, logs, repositories, failed } = retention.total
      for (const [kind, count] of Object.entries({ pipelines, logs, repositories, failed })) {
        deleted.inc({ kind }, count)
      }
    },
  })
  new Counter({
    name: 'narwhal_retention_deleted_log_bytes_total',
    help: 'Bytes of logs deleted by retention, as stored.',
    registers,
    collect() {
      this.reset()
      this.inc(retention.total.bytes)
    },
  })
  new Gauge({
    name: 'narwhal_retention_step_max_seconds',
    help: 'Duration of the longest deletion step.',
    registers,
    collect() {
      this.set(retention.steps.longestMs / 1_000)
    },
  })
}
