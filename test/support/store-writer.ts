import { silentLog } from '../../src/lib/log.ts'
import { newId } from '../../src/lib/new-id.ts'
import { openStore } from '../../src/store/open-store.ts'

/**
 * A process to be killed while it writes: registers repositories in the database of its argument endlessly,
 * and prints the id of each as soon as the store has acknowledged it.
 */
const [path = ''] = process.argv.slice(2)
await using store = await openStore({ kind: 'sqlite', path }, silentLog())
for (;;) {
  const id = newId('repo')
  const repository = {
    id,
    name: id,
    forge: 'git',
    cloneUrl: '/nowhere',
    webhookSecret: 'x'.repeat(500),
    pollIntervalMs: 0,
    createdAt: Date.now(),
  } as const
  const heads = [{ ref: 'refs/heads/main', sha: 'a'.repeat(40) }]
  await store.transact((write) => write.repositories.insert(repository, heads))
  process.stdout.write(`${id}\n`)
}
