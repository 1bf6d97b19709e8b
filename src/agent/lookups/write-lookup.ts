import type { Disposition } from '../../core/delivery/delivery-result.ts'
import type { LookupRecord } from '../../store/delivery-records.ts'
import type { AcceptedEvent } from '../../store/records.ts'
import type { StoreWriter, Writes } from '../../store/store.ts'
import { type NewEvent, tellingOf } from '../webhook/write-deliveries.ts'

/** The events of a lookup, with their commit. */
export interface FoundEvents {
  readonly events: readonly NewEvent[]
  /** Where their ref is if it doesn't have the commit, '' for nowhere; absent: it has. */
  readonly refIsAt?: string | undefined
}

/** Ends a lookup in a transaction; undefined if another agent has claimed it. */
export async function writeLookup(
  write: StoreWriter,
  lookup: LookupRecord,
  found: FoundEvents | { readonly reason: string },
  receivedAt: number,
): Promise<{ disposition: Disposition; accepted: AcceptedEvent[] } | undefined> {
  if (!(await write.lookups.end(lookup))) return undefined
  if ('reason' in found) {
    await write.deliveries.setResult(lookup, { disposition: 'unresolved', reason: found.reason })
    return { disposition: 'unresolved', accepted: [] }
  }
  const { events, refIsAt } = found
  const tellings = events.map((event) => tellingOf(event, receivedAt, 'here'))
  const accepted = await write.events.accept(tellings)
  // The poller compares with where the ref really is.
  if (refIsAt !== undefined) await placeRef(write, tellings, refIsAt)
  const [first] = accepted.toSorted((a, b) => Number(b.created) - Number(a.created))
  const disposition = first?.created ? 'accepted' : 'known'
  const eventId = first ? { eventId: first.event.id } : {}
  await write.deliveries.setResult(lookup, { disposition, ...eventId })
  return { disposition, accepted }
}

async function placeRef(
  write: Writes<'heads'>,
  tellings: readonly Pick<NewEvent, 'repositoryId' | 'ref'>[],
  sha: string,
): Promise<void> {
  for (const { repositoryId, ref } of tellings) {
    if (sha === '') await write.heads.forget(repositoryId, [ref])
    else await write.heads.place([{ repositoryId, ref, sha }])
  }
}
