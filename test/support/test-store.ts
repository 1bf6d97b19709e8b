import { silentLog } from '../../src/lib/log.ts'
import { newId } from '../../src/lib/new-id.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { RepositoryRecord } from '../../src/store/records.ts'
import type { Store } from '../../src/store/store.ts'
import { tempDir } from './temp-dir.ts'

/** `await using store = await openTestStore()`: an empty one over SQLite, deleted on disposal. */
export async function openTestStore(): Promise<Store> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-store-'))
  const store = await openStore({ kind: 'sqlite', path: dir.join('narwhal.db') }, silentLog())
  const close = store[Symbol.asyncDispose].bind(store)
  stack.defer(close)
  const owned = stack.move()
  return Object.assign(store, { [Symbol.asyncDispose]: () => owned.disposeAsync() })
}

/** Registers a git repository at this URL, which is not polled. */
export async function insertRepository(
  store: Store,
  cloneUrl: string,
  name = 'ada/project',
): Promise<RepositoryRecord> {
  const repository: RepositoryRecord = {
    id: newId('repo'),
    name,
    forge: 'git',
    cloneUrl,
    webhookSecret: 'secret',
    pollIntervalMs: 0,
    createdAt: Date.now(),
  }
  await store.transact((write) => write.repositories.insert(repository, []))
  return repository
}
