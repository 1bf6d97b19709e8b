import type { WebhookForge } from '../../../core/forges.ts'
import type { RepositoryId } from '../../../core/ids.ts'
import type { LookupRecord } from '../../delivery-records.ts'
import type { LookupReader, LookupWriter } from '../../ports/events.ts'
import { batches } from '../rows.ts'
import type { Db } from '../tables.ts'
import type { LookupRow } from './delivery-tables.ts'

export function lookupReader(db: Db): LookupReader {
  return {
    listDue: (now, limit) => listDue(db, now, limit),
    nextDueAt: async () => {
      const [row] = await db
        .selectFrom('lookups')
        .select('due_at')
        .orderBy('due_at')
        .limit(1)
        .execute()
      return row?.due_at
    },
  }
}

export function lookupWriter(db: Db): LookupWriter {
  return {
    ...lookupReader(db),
    insert: (lookups) => insertLookups(db, lookups),
    update: async (lookup, { dueAt, looks, failures }) => {
      const { numUpdatedRows } = await db
        .updateTable('lookups')
        .set({ due_at: dueAt, looks, failures })
        .where('forge', '=', lookup.forge)
        .where('delivery_id', '=', lookup.deliveryId)
        .where('due_at', '=', lookup.dueAt)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },
    end: async ({ forge, deliveryId, dueAt }) => {
      const { numDeletedRows } = await db
        .deleteFrom('lookups')
        .where('forge', '=', forge)
        .where('delivery_id', '=', deliveryId)
        .where('due_at', '=', dueAt)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
  }
}

async function listDue(db: Db, now: number, limit: number): Promise<LookupRecord[]> {
  const rows = await db
    .selectFrom('lookups')
    .selectAll()
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .limit(limit)
    .execute()
  return rows.map(lookupOf)
}

async function insertLookups(db: Db, lookups: readonly LookupRecord[]): Promise<void> {
  // In one order, as for events.
  const rows = lookups.map(rowOf).sort((a, b) => (a.delivery_id < b.delivery_id ? -1 : 1))
  for (const batch of batches(rows)) {
    await db
      .insertInto('lookups')
      .values(batch)
      .onConflict((conflict) => conflict.columns(['forge', 'delivery_id']).doNothing())
      .execute()
  }
}

function rowOf(lookup: LookupRecord): LookupRow {
  return {
    forge: lookup.forge,
    delivery_id: lookup.deliveryId,
    repository_id: lookup.repositoryId,
    events: JSON.stringify(lookup.events),
    lookup: JSON.stringify(lookup.lookup),
    received_at: lookup.receivedAt,
    due_at: lookup.dueAt,
    looks: lookup.looks,
    failures: lookup.failures,
  }
}

function lookupOf(row: LookupRow): LookupRecord {
  return {
    forge: row.forge as WebhookForge,
    deliveryId: row.delivery_id,
    repositoryId: row.repository_id as RepositoryId,
    events: JSON.parse(row.events) as LookupRecord['events'],
    lookup: JSON.parse(row.lookup) as LookupRecord['lookup'],
    receivedAt: row.received_at,
    dueAt: row.due_at,
    looks: row.looks,
    failures: row.failures,
  }
}
