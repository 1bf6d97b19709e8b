import { silentLog } from '../lib/log.ts'
import { brokerContract } from './broker.contract.ts'
import { EmbeddedBroker } from './embedded.ts'

brokerContract('EmbeddedBroker', async () => new EmbeddedBroker(silentLog()))
