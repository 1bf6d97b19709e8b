import type { Store } from '../../../src/store/store.ts'
import { readPipelines } from '../read-final.ts'
import type { End } from './crash-stage.ts'

/** What a store says when nobody writes to it any more. */
export async function readEndOf(store: Store, integrity: string): Promise<End> {
  const pending = await store.events.listPending({ before: Number.MAX_SAFE_INTEGER, limit: 100 })
  return { pipelines: await readPipelines(store), pendingEvents: pending.length, integrity }
}
