import { startAgent } from '../../src/agent/agent.ts'
import { openBroker } from '../../src/broker/open-broker.ts'
import { readGitEnv } from '../../src/config/env.ts'
import { openMetrics } from '../../src/http/metrics.ts'
import { createHttpServer, listen } from '../../src/http/server.ts'
import { openLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open-store.ts'
import { Vault } from '../../src/vault/vault.ts'
import { addTarget } from './add-target.ts'
import type { LoadTarget } from './webhook-source.ts'

/** What the process says once it listens. */
export interface AgentReady {
  readonly url: string
  readonly target: LoadTarget
}

/** Over what the agent stands, as JSON in the first argument. */
export interface AgentEngines {
  readonly database: Parameters<typeof openStore>[0]
  readonly broker: Parameters<typeof openBroker>[0]
}

/**
 * The agent as `narwhal up` and `narwhal agent` have it, without a dispatcher in the same process
 * that would build what comes. It ends when its parent does.
 */
const engines = JSON.parse(process.argv[2] ?? '') as AgentEngines
const log = await openLog({ level: 'warn', pretty: false })
const metrics = openMetrics()
await using stack = new AsyncDisposableStack()
const store = stack.use(await openStore(engines.database, log))
const vault = await Vault.openInMemory(store)
const broker = stack.use(await openBroker(engines.broker, log))
const server = await createHttpServer({ log, metrics, version: 'bench', ready: () => store.ping() })
stack.use(startAgent(server, { store, vault, broker, metrics, gitEnv: readGitEnv(), log }))
stack.defer(() => server.close())
const target = await addTarget(store, vault)
const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
process.send?.({ url, target } satisfies AgentReady)
const { promise: ended, resolve } = Promise.withResolvers<void>()
process.on('disconnect', resolve)
await ended
