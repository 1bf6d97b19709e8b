import type { Broker } from '../broker/broker.ts'
import type { HttpServer } from '../http/http-server.ts'
import type { Metrics } from '../http/metrics.ts'
import type { GitEnv } from '../lib/git/git.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { Uses } from '../store/store.ts'
import type { Vault } from '../vault/vault.ts'
import { Intake } from './intake.ts'
import { Lookups } from './lookups/lookups.ts'
import { Poller } from './poller.ts'
import { RemoteRefs } from './remote-refs.ts'
import { Sweep } from './sweep.ts'
import { registerWebhookRoutes } from './webhook/webhook-routes.ts'

export interface AgentDeps {
  readonly store: Uses<'events' | 'heads' | 'lookups' | 'repositories' | 'transact'>
  readonly broker: Broker
  readonly vault: Vault
  readonly metrics: Metrics
  readonly gitEnv: GitEnv
  readonly log: Logger
  /** Milliseconds between sweeps; 10,000 by default. */
  readonly sweepMs?: number
}

/**
 * Starts the agent: webhook routes on `server`, the poller, the lookups of commits
 * that webhooks don't name, and the sweep of events without a pipeline. Disposing stops the loops and waits for them.
 */
export function startAgent(server: HttpServer, deps: AgentDeps): AsyncDisposable {
  const refs = new RemoteRefs(deps)
  const intake = new Intake({ ...deps, refs, onUnresolved: () => lookups.wake() })
  const lookups = new Lookups({ ...deps, intake })
  const { store, vault, metrics, sweepMs } = deps
  const stop = new AbortController()
  registerWebhookRoutes(server, { store, vault, intake, metrics, log: deps.log })
  const loops = [
    new Poller({ ...deps, intake }).run(stop.signal),
    lookups.run(stop.signal),
    new Sweep({ ...deps, intake, ...present({ intervalMs: sweepMs }) }).run(stop.signal),
  ]
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await Promise.all(loops)
    },
  }
}
