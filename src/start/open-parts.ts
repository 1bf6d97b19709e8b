import { join } from 'node:path'
import { guardApi } from '../api/auth/auth.ts'
import { countRefusals } from '../api/auth/count-refusals.ts'
import type { Broker } from '../broker/broker.ts'
import { openBroker } from '../broker/open-broker.ts'
import type { Config } from '../config/config.ts'
import { readSurroundings } from '../config/env.ts'
import type { Dispatcher } from '../dispatcher/dispatcher.ts'
import { keepIdTokenKeys } from '../dispatcher/id-tokens/key-keeper.ts'
import { IdTokenMinter } from '../dispatcher/id-tokens/minter.ts'
import type { DatabaseGuard } from '../dispatcher/ledger/database-guard.ts'
import { keepAudit } from '../dispatcher/retention/keep-audit.ts'
import { keepRunners } from '../dispatcher/runners/keep-runners.ts'
import { reportStatuses, type Statuses } from '../dispatcher/statuses/report-statuses.ts'
import { tracePipelines } from '../dispatcher/traces/trace-pipelines.ts'
import type { HttpServer } from '../http/http-server.ts'
import { createHttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import { isLoopback } from '../lib/reach/loopback.ts'
import type { ServerTls } from '../lib/tls/tls-files.ts'
import { openStore } from '../store/open-store.ts'
import type { ForgeLinkRecord } from '../store/records.ts'
import type { Store, Uses } from '../store/store.ts'
import { openForgeToken } from '../vault/forge-tokens.ts'
import { Vault } from '../vault/vault.ts'
import { sealWebhookSecrets } from '../vault/webhook-secrets.ts'
import type { Context } from './context.ts'

/** The parts of services, opened by the settings. */

const MISSING = {
  broker:
    'no broker: set NARWHAL_BROKER or --broker to amqp://…; embedded: works in one process only (narwhal up)',
  database:
    'no database: set NARWHAL_DATABASE or --database to postgres://…, which all processes share',
  dispatcher:
    'no dispatcher: set NARWHAL_DISPATCHER or --dispatcher to its URL, such as http://127.0.0.1:4748',
}

/** Throws `invalid` with all missing settings of a process that runs apart. */
export function requireApart(
  config: Partial<Config<'broker' | 'database' | 'dispatcher'>>,
  needed: readonly (keyof typeof MISSING)[],
): void {
  const missing = needed.filter((name) =>
    // The embedded broker is not shared between processes.
    name === 'broker' ? config.broker?.kind === 'embedded' : config[name] === undefined,
  )
  if (missing.length === 0) return
  throw new NarwhalError('invalid', missing.map((name) => MISSING[name]).join('\n  '))
}

export async function openStoreOf(
  context: Context<'database'>,
  dataDir: string | undefined,
): Promise<Store> {
  const fallback = dataDir && ({ kind: 'sqlite', path: join(dataDir, 'narwhal.db') } as const)
  const chosen = context.config.database ?? fallback
  if (!chosen) throw new NarwhalError('invalid', MISSING.database)
  return await openStore(chosen, context.log, context.signal)
}

/**
 * Opens the vault with the configured key file, or the one in the folder. Also seals webhook secrets that
 * are stored in plain text.
 */
export async function openVaultOf(
  { config, log }: Context<'sealing-keys'>,
  store: Uses<'repositories' | 'sealing' | 'transact'>,
  folder: string,
): Promise<Vault> {
  const vault = await Vault.open(store, config['sealing-keys'] ?? join(folder, 'sealing-keys'))
  const sealed = await sealWebhookSecrets(store, vault)
  if (sealed > 0) log.info({ repositories: sealed }, 'webhook secrets sealed')
  return vault
}

export async function openBrokerOf(context: Context<'broker'>): Promise<Broker> {
  return await openBroker(context.config.broker, context.log)
}

/** Sends traces of this dispatcher's pipelines, if a collector is configured. */
export async function openTraces(
  context: Context<'otlp'>,
  parts: { dispatcher: Dispatcher; store: Uses<'events' | 'jobs'> },
): Promise<AsyncDisposable> {
  const url = context.config.otlp ?? readSurroundings().otlpEndpoint
  if (!url) return { [Symbol.asyncDispose]: async () => {} }
  const { version, log } = context
  return await tracePipelines({ url, version, log, ...parts })
}

/** Prunes the audit log, unless it is kept for ever. */
export function openAuditKeeping(
  { config, log }: Context<'keep-audit'>,
  store: Uses<'transact'>,
): AsyncDisposable {
  const keepMs = config['keep-audit']
  if (keepMs === 'forever') return { [Symbol.asyncDispose]: async () => {} }
  return keepAudit({ store, log, keepMs })
}

/** Removes lost runners, unless they are kept for ever. */
export function openRunnerKeeping(
  { config, log }: Context<'keep-runners'>,
  { store, dispatcher }: { readonly store: Uses<'runners'>; readonly dispatcher: Dispatcher },
): AsyncDisposable {
  const keepMs = config['keep-runners']
  if (keepMs === 'forever') return { [Symbol.asyncDispose]: async () => {} }
  return keepRunners({ store, pool: dispatcher.pool, log, keepMs })
}

/** Reports the pipelines of this dispatcher to their forges. */
export function openStatuses(
  { config, log, metrics, gitEnv }: Context<'public-url'>,
  parts: { dispatcher: Dispatcher; store: Store; vault: Vault },
): Statuses {
  const { vault } = parts
  const openToken = (link: ForgeLinkRecord): string => openForgeToken(vault, link)
  return reportStatuses({
    ...parts,
    log,
    metrics,
    openToken,
    publicUrl: config['public-url'],
    hosts: gitEnv.hosts,
  })
}

/** The issuer of id tokens: the configured one, or the page's URL. */
export function issuerOf(config: Config<'oidc-issuer' | 'public-url'>): string | undefined {
  return config['oidc-issuer'] ?? config['public-url']
}

/** The settings for commands: URLs to show, and hosts that may be called. */
export function commandSettings(config: Config<'oidc-issuer' | 'public-url' | 'user-requests'>) {
  const { 'public-url': publicUrl, 'user-requests': requests } = config
  return { issuer: issuerOf(config), publicUrl, requestsReach: requests.reach }
}

/** Issues id tokens for jobs, and rotates their keys in the background. */
export function openIdTokens(
  { config, log }: Context<'oidc-issuer' | 'public-url'>,
  parts: { store: Uses<'idTokens' | 'transact'>; vault: Vault },
): { readonly minter: IdTokenMinter } & AsyncDisposable {
  const minter = new IdTokenMinter({ ...parts, issuer: issuerOf(config) })
  const keeping = keepIdTokenKeys({ ...parts, minter, log })
  return { minter, [Symbol.asyncDispose]: () => keeping[Symbol.asyncDispose]() }
}

/** A server with a guarded API, for a process with a store and a broker. */
export async function createApiServer(
  context: Context<'host' | 'open' | 'metrics-token'>,
  parts: { store: Store; broker: Broker; tls?: ServerTls | undefined; guard?: DatabaseGuard },
): Promise<HttpServer> {
  const { store, broker, tls, guard } = parts
  const { host, open, 'metrics-token': metricsToken } = context.config
  const server = await createHttpServer({
    log: context.log,
    metrics: context.metrics,
    version: context.version,
    tls,
    ready: async () => {
      await store.ping()
      if (broker.state !== 'ready') {
        throw new NarwhalError('unavailable', `the broker is ${broker.state}`)
      }
    },
    short: () => guard?.shortage,
  })
  guardApi(server, store, {
    loopbackOnly: isLoopback(host),
    opened: new Set(open),
    metricsToken,
  })
  countRefusals(server, { store, log: context.log })
  return server
}
