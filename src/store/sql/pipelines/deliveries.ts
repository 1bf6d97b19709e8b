import type { WebhookForge } from '../../../core/forges.ts'
import type { EventId, RepositoryId } from '../../../core/ids.ts'
import { present } from '../../../lib/present.ts'
import type { DeliveryReader, DeliveryWriter } from '../../ports/events.ts'
import type { DeliveryRecord } from '../../records.ts'
import { batches } from '../rows.ts'
import type { Db, DeliveryRow } from '../tables.ts'

export function deliveryReader(db: Db): DeliveryReader {
  return { listByIds: (forge, deliveryIds) => findDeliveries(db, forge, deliveryIds) }
}

export function deliveryWriter(db: Db): DeliveryWriter {
  return {
    ...deliveryReader(db),
    record: (deliveries) => recordDeliveries(db, deliveries),
  }
}

async function findDeliveries(
  db: Db,
  forge: WebhookForge,
  deliveryIds: readonly string[],
): Promise<DeliveryRecord[]> {
  const found: DeliveryRecord[] = []
  for (const batch of batches(deliveryIds)) {
    const rows = await db
      .selectFrom('deliveries')
      .selectAll()
      .where('forge', '=', forge)
      .where('delivery_id', 'in', batch)
      .execute()
    found.push(...rows.map((row) => deliveryOf(forge, row)))
  }
  return found
}

function deliveryOf(forge: WebhookForge, row: DeliveryRow): DeliveryRecord {
  return {
    forge,
    deliveryId: row.delivery_id,
    repositoryId: row.repository_id as RepositoryId,
    disposition: row.disposition as DeliveryRecord['disposition'],
    ...present({ eventId: row.event_id as EventId | null, reason: row.reason }),
    receivedAt: row.received_at,
  }
}

async function recordDeliveries(db: Db, deliveries: readonly DeliveryRecord[]): Promise<void> {
  const rows = deliveries.map((delivery) => ({
    forge: delivery.forge,
    delivery_id: delivery.deliveryId,
    repository_id: delivery.repositoryId,
    disposition: delivery.disposition,
    event_id: delivery.eventId ?? null,
    reason: delivery.reason ?? null,
    received_at: delivery.receivedAt,
  }))
  // In one order, as for events.
  rows.sort((a, b) => (a.delivery_id < b.delivery_id ? -1 : 1))
  for (const batch of batches(rows)) {
    await db
      .insertInto('deliveries')
      .values(batch)
      .onConflict((conflict) => conflict.columns(['forge', 'delivery_id']).doNothing())
      .execute()
  }
}
