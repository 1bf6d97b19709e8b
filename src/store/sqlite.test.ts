import { tempDir } from '../../test/support/temp-dir.ts'
import { silentLog } from '../lib/log.ts'
import { openStore } from './open-store.ts'
import { storeContract } from './store.contract.ts'

storeContract('SQLite', async () => {
  const dir = await tempDir('narwhal-store-')
  return {
    connect: () => openStore({ kind: 'sqlite', path: dir.join('narwhal.db') }, silentLog()),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
})
