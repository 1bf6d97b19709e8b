import type { DispatcherId } from '../../core/ids.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import type { Store } from '../store.ts'
import { anEvent, aPipeline, seedRepository } from './fixtures.ts'

/** Begins the lives of dispatchers. */
export async function takeSeats(store: Store, ...ids: readonly DispatcherId[]): Promise<void> {
  await store.transact(async (write) => {
    for (const id of ids) await write.dispatchers.takeSeat({ id, startedAt: 1 })
  })
}

/** Pipelines of one repository, each of an event of its own. */
export async function seedPipelines(
  store: Store,
  wanted: readonly { createdAt: number; dispatcherId?: DispatcherId }[],
): Promise<Pipeline[]> {
  const repository = await seedRepository(store)
  const pipelines: Pipeline[] = []
  for (const over of wanted) {
    const event = anEvent(repository.id)
    const { result } = await store.transact(async (write) => {
      await write.events.accept([event])
      return write.pipelines.create(aPipeline(event, over))
    })
    pipelines.push(result.pipeline)
  }
  return pipelines
}

/** Whose each is, and in which term: `dispatcher_one 2`. */
export async function holdersOf(
  store: Store,
  pipelines: readonly (Pipeline | undefined)[],
): Promise<string[]> {
  const holders: string[] = []
  for (const pipeline of pipelines) {
    const found = await store.pipelines.find(pipeline!.id)
    holders.push(`${found?.pipeline.dispatcherId ?? 'nobody'} ${found?.pipeline.term}`)
  }
  return holders
}
