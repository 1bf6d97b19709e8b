import { startAgent } from '../../src/agent/agent.ts'
import { openBroker } from '../../src/broker/open-broker.ts'
import { readGitEnv } from '../../src/config/env.ts'
import { Dispatcher } from '../../src/dispatcher/dispatcher.ts'
import { heartbeatsOnThread } from '../../src/dispatcher/seat/heartbeat-thread.ts'
import { openMetrics } from '../../src/http/metrics.ts'
import { createHttpServer, listen } from '../../src/http/server.ts'
import { openLog } from '../../src/lib/log.ts'
import { openStore } from '../../src/store/open-store.ts'
import { Vault } from '../../src/vault/vault.ts'
import { TESTER } from '../../test/support/tester.ts'
import { addTarget } from '../webhooks/add-target.ts'
import type { AgentEngines, AgentReady } from '../webhooks/agent-process.ts'

/** Asks to be told when so many pipelines have ended since the last time. */
export interface AwaitEnds {
  readonly ends: number
}

export interface EndsSeen {
  /** Of `Date.now()`. */
  readonly lastAt: number
  readonly failed: number
  /** What this process has used of the processors since it was asked the last time. */
  readonly cpuMs: number
}

/**
 * An agent and a dispatcher, as `narwhal up` has them, over the engines of the first argument and the
 * runners at the other ones. It ends when its parent does.
 */
const [enginesText = '', ...runnerUrls] = process.argv.slice(2)
const engines = JSON.parse(enginesText) as AgentEngines
const log = await openLog({ level: 'warn', pretty: false })
const metrics = openMetrics()
const gitEnv = readGitEnv()
await using stack = new AsyncDisposableStack()
const store = stack.use(await openStore(engines.database, log))
const vault = await Vault.openInMemory(store)
const broker = stack.use(await openBroker(engines.broker, log))
const server = await createHttpServer({ log, metrics, version: 'bench', ready: () => store.ping() })
stack.use(startAgent(server, { store, vault, broker, metrics, gitEnv, log }))
stack.defer(() => server.close())
const dispatcher = stack.use(
  await Dispatcher.start(
    { store, broker, vault, gitEnv, log },
    {
      heuristic: 'least-loaded',
      jobTimeoutMs: 60_000,
      maxAttempts: 3,
      ...(engines.database.kind === 'postgres'
        ? { startHeartbeats: heartbeatsOnThread(engines.database, log) }
        : {}),
    },
  ),
)
for (const [i, url] of runnerUrls.entries()) {
  await dispatcher.registerRunner({ name: `fake-${i}`, url, balanced: false }, TESTER)
}
const target = await addTarget(store, vault)

let ends = 0
let failed = 0
let cpuBefore = process.cpuUsage()
let awaited = Number.POSITIVE_INFINITY
const tell = (): void => {
  if (ends < awaited) return
  const { user, system } = process.cpuUsage(cpuBefore)
  const cpuMs = (user + system) / 1000
  process.send?.({ lastAt: Date.now(), failed, cpuMs } satisfies EndsSeen)
  cpuBefore = process.cpuUsage()
  ends -= awaited
  failed = 0
  awaited = Number.POSITIVE_INFINITY
}
stack.use(
  dispatcher.listen((event) => {
    if (event.type !== 'pipeline.changed' || event.pipeline.status !== 'finished') return
    ends++
    if (event.pipeline.outcome !== 'success') failed++
    tell()
  }),
)
process.on('message', (asked: AwaitEnds) => {
  awaited = asked.ends
  tell()
})
const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
process.send?.({ url, target } satisfies AgentReady)
const { promise: ended, resolve } = Promise.withResolvers<void>()
process.on('disconnect', resolve)
await ended
