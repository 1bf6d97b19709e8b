import { silentLog } from '../../src/lib/log.ts'
import { newId } from '../../src/lib/new-id.ts'
import { aJob, anEvent, aPipeline } from '../../src/store/contract/fixtures.ts'
import { openStore } from '../../src/store/open-store.ts'

/**
 * A process to be killed while it writes: accepts events of the repository in its second argument in the
 * database of its first one, endlessly, each with its delivery, its pipeline and two jobs in one transaction,
 * and prints the id of each as soon as the store has acknowledged it.
 */
const [path = '', repositoryId = ''] = process.argv.slice(2)
await using store = await openStore({ kind: 'sqlite', path }, silentLog())
for (;;) {
  const id = newId('event')
  // Several processes write: the fixtures' commits would be the same in each.
  const event = anEvent(repositoryId as 'repo_', { id, sha: id, ref: `refs/heads/${id}` })
  await store.transact(async (write) => {
    await write.events.accept([event])
    await write.deliveries.record([
      {
        forge: 'github',
        deliveryId: id,
        repositoryId: event.repositoryId,
        disposition: 'accepted',
        eventId: id,
        receivedAt: Date.now(),
      },
    ])
    const { pipeline } = await write.pipelines.create(aPipeline(event))
    await write.jobs.insert([aJob(pipeline), aJob(pipeline, { position: 1 })])
  })
  process.stdout.write(`${id}\n`)
}
