import type { DeliveryView } from '../../contract/rest/deliveries/rest-deliveries.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { present } from '../../lib/present.ts'
import type { RecentDelivery, RefusedDeliveries } from '../../store/delivery-records.ts'
import type { Reads } from '../../store/store.ts'
import { getRepository } from '../lookups.ts'

/** Refused ones come on top: they can't displace any. */
const SHOWN = 10

/** Adds the last webhook deliveries of a repository. */
export function registerDeliveryReads(
  server: HttpServer,
  store: Reads<'deliveries' | 'repositories'>,
): void {
  route(server, ENDPOINTS.listDeliveries, async (request) => {
    const { id } = await getRepository(store, request.params.repository)
    const recent = await store.deliveries.listRecent(id, SHOWN)
    const refused = await store.deliveries.listRefused(id)
    const all = [...recent.map(viewDelivery), ...refused.map(viewRefused)]
    return { deliveries: all.toSorted((a, b) => b.at - a.at) }
  })
}

function viewDelivery(delivery: RecentDelivery): DeliveryView {
  const { receivedAt: at, disposition: result, subject, reason, eventId, pipeline } = delivery
  return { at, ...subject, result, ...present({ reason, eventId, pipeline }) }
}

function viewRefused(refused: RefusedDeliveries): DeliveryView {
  const { lastAt: at, event, message: reason, refusal: because, count, firstAt } = refused
  const which = { because, count, firstAt }
  return { at, ...present({ event }), result: 'refused', reason, refused: which }
}
