import { silentLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { tempDir } from './temp-dir.ts'

/** `await using store = await openTestStore()`: an empty one over SQLite, gone on disposal. */
export async function openTestStore(): Promise<Store> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-store-'))
  const store = await openStore({ kind: 'sqlite', path: dir.join('narwhal.db') }, silentLog())
  const close = store[Symbol.asyncDispose].bind(store)
  stack.defer(close)
  const owned = stack.move()
  return Object.assign(store, { [Symbol.asyncDispose]: () => owned.disposeAsync() })
}
