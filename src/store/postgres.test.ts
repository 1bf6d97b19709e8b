import { after } from 'node:test'
import { emptyDatabase } from '../../test/support/empty-database.ts'
import { type FreshDatabase, freshDatabase, testService } from '../../test/support/services.ts'
import { silentLog } from '../lib/log.ts'
import { openStore } from './open-store.ts'
import { storeContract } from './store.contract.ts'

const { skip } = testService('postgres')

/** Emptied databases, for the tests that follow: to make one takes longer than most of them. */
const stock: FreshDatabase[] = []
after(() => Promise.all(stock.map((database) => database[Symbol.asyncDispose]())))

storeContract(
  'PostgreSQL',
  async () => {
    const database = stock.pop() ?? (await freshDatabase())
    return {
      connect: () => openStore({ kind: 'postgres', url: database.url, poolSize: 4 }, silentLog()),
      [Symbol.asyncDispose]: async () => {
        await emptyDatabase(database.url)
        stock.push(database)
      },
    }
  },
  { skip },
)
