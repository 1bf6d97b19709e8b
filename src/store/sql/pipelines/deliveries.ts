import { sql } from 'kysely'
import type { Refusal } from '../../../core/delivery/delivery-result.ts'
import type { WebhookForge } from '../../../core/forges.ts'
import type { EventId, PipelineId, RepositoryId } from '../../../core/ids.ts'
import { present } from '../../../lib/present.ts'
import type {
  DeliveryRecord,
  DeliverySubject,
  RecentDelivery,
  RefusedDeliveries,
} from '../../delivery-records.ts'
import type { DeliveryReader, DeliveryWriter } from '../../ports/events.ts'
import { batches, jsonOf, parsed } from '../rows.ts'
import type { Db } from '../tables.ts'
import type { DeliveryRow } from './delivery-tables.ts'

export function deliveryReader(db: Db): DeliveryReader {
  return {
    listByIds: (forge, deliveryIds) => findDeliveries(db, forge, deliveryIds),
    listRecent: (repositoryId, limit) => listRecent(db, repositoryId, limit),
    listRefused: (repositoryId) => listRefused(db, repositoryId),
  }
}

export function deliveryWriter(db: Db): DeliveryWriter {
  return {
    ...deliveryReader(db),
    record: (deliveries) => recordDeliveries(db, deliveries),
    setResult: async ({ forge, deliveryId }, { disposition, eventId, reason }) => {
      await db
        .updateTable('deliveries')
        .set({ disposition, event_id: eventId ?? null, reason: reason ?? null })
        .where('forge', '=', forge)
        .where('delivery_id', '=', deliveryId)
        .execute()
    },
    noteRefused: (refused) => noteRefused(db, refused),
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
    found.push(...rows.map(deliveryOf))
  }
  return found
}

async function listRecent(
  db: Db,
  repositoryId: RepositoryId,
  limit: number,
): Promise<RecentDelivery[]> {
  const rows = await db
    .selectFrom('deliveries')
    .selectAll()
    .select((is) =>
      is
        .selectFrom('pipelines')
        .select(sql<string>`pipelines.id || ' ' || cast(pipelines.number as text)`.as('first'))
        .whereRef('pipelines.event_id', '=', 'deliveries.event_id')
        .orderBy('pipelines.created_at')
        .limit(1)
        .as('first_pipeline'),
    )
    .where('repository_id', '=', repositoryId)
    .orderBy('received_at', 'desc')
    .orderBy('delivery_id')
    .limit(limit)
    .execute()
  return rows.map(({ first_pipeline: first, ...row }) => {
    const [id, number] = first?.split(' ') ?? []
    const pipeline = id ? { id: id as PipelineId, number: Number(number) } : undefined
    return { ...deliveryOf(row), ...present({ pipeline }) }
  })
}

async function listRefused(db: Db, repositoryId: RepositoryId): Promise<RefusedDeliveries[]> {
  const rows = await db
    .selectFrom('refused_deliveries')
    .selectAll()
    .where('repository_id', '=', repositoryId)
    .orderBy('last_at', 'desc')
    .execute()
  return rows.map((row) => ({
    repositoryId,
    refusal: row.refusal as Refusal,
    ...present({ event: row.event }),
    message: row.message,
    count: row.count,
    firstAt: row.first_at,
    lastAt: row.last_at,
  }))
}

function deliveryOf(row: DeliveryRow): DeliveryRecord {
  return {
    forge: row.forge as WebhookForge,
    deliveryId: row.delivery_id,
    repositoryId: row.repository_id as RepositoryId,
    disposition: row.disposition as DeliveryRecord['disposition'],
    ...present({
      eventId: row.event_id as EventId | null,
      reason: row.reason,
      subject: parsed(row.subject) as DeliverySubject | null,
    }),
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
    subject: jsonOf(delivery.subject),
    received_at: delivery.receivedAt,
  }))
  // In one order, as for events; of several with one id the first counts.
  const unique = new Map(rows.toReversed().map((row) => [`${row.forge} ${row.delivery_id}`, row]))
  const sorted = [...unique.values()].sort((a, b) => (a.delivery_id < b.delivery_id ? -1 : 1))
  for (const batch of batches(sorted)) {
    await db
      .insertInto('deliveries')
      .values(batch)
      .onConflict((conflict) =>
        conflict
          .columns(['forge', 'delivery_id'])
          .doUpdateSet((is) => ({
            disposition: is.ref('excluded.disposition'),
            event_id: is.ref('excluded.event_id'),
            reason: is.ref('excluded.reason'),
            received_at: is.ref('excluded.received_at'),
          }))
          .where('deliveries.disposition', '=', 'unresolved'),
      )
      .execute()
  }
}

async function noteRefused(db: Db, refused: readonly RefusedDeliveries[]): Promise<void> {
  for (const one of refused) {
    const { repositoryId, refusal, event, message, count, firstAt, lastAt } = one
    const registered = await db
      .selectFrom('repositories')
      .select('id')
      .where('id', '=', repositoryId)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    if (!registered) continue
    await db
      .insertInto('refused_deliveries')
      .values({
        repository_id: repositoryId,
        refusal,
        event: event ?? null,
        message,
        count,
        first_at: firstAt,
        last_at: lastAt,
      })
      .onConflict((conflict) =>
        conflict.columns(['repository_id', 'refusal']).doUpdateSet((is) => ({
          event: is.ref('excluded.event'),
          message: is.ref('excluded.message'),
          count: sql`refused_deliveries.count + excluded.count`,
          last_at: is.ref('excluded.last_at'),
        })),
      )
      .execute()
  }
}
