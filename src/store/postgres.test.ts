import { freshDatabase, testService } from '../../test/support/services.ts'
import { silentLog } from '../lib/log.ts'
import { openStore } from './open-store.ts'
import { storeContract } from './store.contract.ts'

const { skip } = testService('postgres')

storeContract(
  'PostgreSQL',
  async () => {
    const database = await freshDatabase()
    return {
      connect: () => openStore({ kind: 'postgres', url: database.url, poolSize: 4 }, silentLog()),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    }
  },
  { skip },
)
