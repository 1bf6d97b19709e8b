import type { SettingName } from './settings.ts'

/** Which settings each service has: its flags, and the variables it reads. */

const STORE = ['database'] as const
const SEALING = ['sealing-keys'] as const
const BROKER = ['broker'] as const
const FIRST_TOKEN = ['first-token'] as const
const LISTENING = ['host', 'port', 'open', 'metrics-token'] as const
const TLS = ['tls-cert', 'tls-key', 'tls-client-ca', 'tls-ca'] as const
const EXECUTOR = ['executor', 'default-image', 'warm-sandboxes'] as const
/** Those of a runner, wherever it runs. */
export const RUNNER_SETTINGS = [
  'name',
  'slots',
  'labels',
  'job-memory',
  'job-cpus',
  'job-processes',
  'job-disk',
  'disk-reserve',
  'image-disk',
  'container-ids',
  'stop-grace',
  'mirror-size',
  'checkout-size',
  'checkout-files',
  'fetch-hosts',
  'strangers',
  'sandbox-network',
  'private-networks',
  'reach',
  'also-private',
] as const
const SCHEDULING = [
  'heuristic',
  'job-timeout',
  'cleanup-timeout',
  'approval-days',
  'max-attempts',
  'max-priority',
  'log-size',
  'include-repositories',
  'stranger-includes',
  'otlp',
  'keep-audit',
  'keep-runners',
  'keep-logs',
  'keep-pipelines',
  'database-reserve',
  'database-size',
] as const
/** Of those that ask something for users. */
const REQUESTS = ['user-requests'] as const
const ISSUER = ['public-url', 'oidc-issuer'] as const
const LOG = ['log-level', 'log-format'] as const

export const SERVICE_SETTINGS = {
  up: [
    'data',
    ...LISTENING,
    ...TLS,
    ...FIRST_TOKEN,
    ...STORE,
    ...SEALING,
    ...BROKER,
    ...EXECUTOR,
    ...RUNNER_SETTINGS,
    ...SCHEDULING,
    ...REQUESTS,
    ...ISSUER,
    ...LOG,
  ],
  agent: ['data', ...LISTENING, ...TLS, ...STORE, ...SEALING, ...BROKER, ...REQUESTS, ...LOG],
  dispatcher: [
    'data',
    ...LISTENING,
    ...TLS,
    'advertise',
    ...FIRST_TOKEN,
    ...STORE,
    ...SEALING,
    ...BROKER,
    ...SCHEDULING,
    ...REQUESTS,
    ...ISSUER,
    ...LOG,
  ],
  runner: [
    'data',
    ...LISTENING,
    ...TLS,
    'health-port',
    'dispatcher',
    'advertise',
    'token',
    'runner-token',
    'drain-timeout',
    ...EXECUTOR,
    ...RUNNER_SETTINGS,
    ...REQUESTS,
    ...LOG,
  ],
  web: ['data', ...LISTENING, ...TLS, 'dispatcher', ...STORE, ...BROKER, ...ISSUER, ...LOG],
} as const satisfies Record<string, readonly SettingName[]>

export type ServiceName = keyof typeof SERVICE_SETTINGS
