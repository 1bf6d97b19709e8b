import { availableParallelism, hostname, totalmem } from 'node:os'
import { z } from 'zod'
import { HEURISTICS } from '../core/placement/placement.ts'
import { ACCESS_SETTINGS } from './access-settings.ts'
import { BOUND_SETTINGS } from './bound-settings.ts'
import { CONTAINER_SETTINGS } from './container-settings.ts'
import { includeList } from './include-list.ts'
import { JOB_SETTINGS } from './job-settings.ts'
import { setting } from './setting.ts'
import {
  broker,
  choice,
  database,
  duration,
  EXECUTORS,
  executor,
  file,
  hostPorts,
  httpUrl,
  httpUrls,
  integer,
  issuerUrl,
  ranges,
  size,
  strangers,
  userRequests,
} from './values.ts'

const defaultSlots = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 2 ** 31)))

/**
 * Every setting of Narwhal: a flag of the commands that use it, or a variable `NARWHAL_…`; the flag takes
 * precedence. Values are untrusted text, parsed only here.
 */
export const SETTINGS = {
  data: setting({
    value: 'folder',
    help: 'the folder for all data that must persist',
    schema: z.string().min(1),
  }),
  host: setting({
    value: 'address',
    help: 'the address to listen on',
    schema: z.string().regex(/^[A-Za-z0-9.:_-]+$/, 'must be an address or a host name'),
    fallback: '127.0.0.1',
  }),
  port: setting({
    value: 'port',
    help: 'the port to listen on; 0 takes a free one',
    schema: integer(0, 65535),
  }),
  'tls-cert': setting({
    value: 'file',
    help: 'a PEM certificate: the process listens with TLS, and presents it to other processes that require one',
    schema: file,
  }),
  'tls-key': setting({
    value: 'file',
    help: 'the PEM key of --tls-cert',
    schema: file,
  }),
  'tls-client-ca': setting({
    value: 'file',
    help: 'clients must present a certificate of this CA: mutual TLS',
    schema: file,
  }),
  'tls-ca': setting({
    value: 'file',
    help: "a CA to trust when connecting, in addition to the system's",
    schema: file,
  }),
  database: setting({
    value: 'url',
    help: 'sqlite:PATH or postgres://user:password@host/database',
    schema: database,
  }),
  broker: setting({
    value: 'url',
    help: 'embedded: or amqp://user:password@host',
    schema: broker,
    fallback: 'embedded:',
  }),
  'sealing-keys': setting({
    value: 'file',
    help: 'the file with the keys that seal secrets; agents and dispatchers share it',
    schema: file,
  }),
  executor: setting({
    value: 'url',
    help: `auto:, docker:unix:///…, or one of ${EXECUTORS.join(', ')} (process: isolates nothing)`,
    schema: executor,
    fallback: 'auto:',
  }),
  'default-image': setting({
    value: 'image',
    help: 'the image of jobs without one, where they run in containers',
    schema: z.string().min(1),
    fallback: 'debian:stable-slim',
  }),
  'warm-sandboxes': setting({
    value: 'count',
    help: 'how many containers are started ahead for future jobs; 0: none',
    schema: integer(0, 1001),
  }),
  name: setting({
    value: 'name',
    help: "this runner's name, unique among all runners",
    schema: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'must be like build-1: letters, digits, _ . -'),
    fallback: hostname().replace(/[^A-Za-z0-9_.-]/g, '-') || 'runner',
  }),
  slots: setting({
    value: 'count',
    help: 'how many jobs run here concurrently',
    schema: integer(1, 1000),
    fallback: String(defaultSlots),
  }),
  otlp: setting({
    value: 'url',
    help: 'where to send traces of pipelines by OTLP/HTTP, such as http://collector:4318',
    schema: httpUrl,
  }),
  'public-url': setting({
    value: 'url',
    help: "the page's public URL, such as https://ci.example.com: commit statuses link to it",
    schema: httpUrl,
  }),
  'oidc-issuer': setting({
    value: 'url',
    help: 'the issuer of id tokens, an https URL where other systems find its documents; default: --public-url',
    schema: issuerUrl,
  }),
  ...CONTAINER_SETTINGS,
  'mirror-size': setting({
    value: 'size',
    help: 'how much disk space the mirrors of repositories may take, each and in total; the least recently used are removed',
    schema: size,
    fallback: '20g',
  }),
  'checkout-size': setting({
    value: 'size',
    help: 'the maximum size of the files of a commit, and of its Git LFS files in addition',
    schema: size,
    fallback: '20g',
  }),
  'checkout-files': setting({
    value: 'count',
    help: 'the maximum number of files and folders of a commit',
    schema: integer(1, 100_000_000),
    fallback: '1000000',
  }),
  'fetch-hosts': setting({
    value: 'list',
    help: "hosts that submodules and Git LFS may be fetched from, in addition to the repository's own; *: any",
    schema: z
      .string()
      .regex(
        /^$|^(?:\*|[A-Za-z0-9.-]+(?::\d{1,5})?)(?:,(?:\*|[A-Za-z0-9.-]+(?::\d{1,5})?))*$/,
        'must be a comma-separated list of hosts like github.com or git.example.com:8443',
      )
      .transform((text) => text.split(',').filter((host) => host !== '')),
    fallback: '',
  }),
  strangers: setting({
    value: 'list',
    help: "executors that may run strangers' jobs: oci:, docker:, both separated by a comma, or none; never those that use the machine's own root file system",
    schema: strangers,
    fallback: 'oci:,docker:',
  }),
  'sandbox-network': setting({
    value: 'kind',
    help: "auto: jobs can reach the outside and nothing of this machine; none: no job has a network; host: jobs without an image use the machine's own network, unrestricted (strangers' jobs never do)",
    schema: choice(['auto', 'none', 'host']),
    fallback: 'auto',
  }),
  'private-networks': setting({
    value: 'rule',
    help: "whether jobs can reach private networks: allow or deny; strangers' jobs never can",
    schema: choice(['allow', 'deny']),
    fallback: 'allow',
  }),
  reach: setting({
    value: 'list',
    help: "private addresses that all jobs can reach, strangers' as well: host:port, separated by commas",
    schema: hostPorts,
    fallback: '',
  }),
  'also-private': setting({
    value: 'list',
    help: "public address ranges to treat as private, such as 9.0.0.0/8; closed to strangers' jobs, and to all with --private-networks deny",
    schema: ranges,
    fallback: '',
  }),
  labels: setting({
    value: 'list',
    help: 'labels that jobs may require, separated by commas',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_.:/-]*(,[A-Za-z0-9_.:/-]+)*$/, 'must be a comma-separated list of labels')
      .transform((text) => text.split(',').filter((label) => label !== '')),
    fallback: '',
  }),
  heuristic: setting({
    value: 'name',
    help: `how a runner is chosen: ${HEURISTICS.join(', ')}`,
    schema: z.enum(HEURISTICS, { error: `must be one of ${HEURISTICS.join(', ')}` }) as z.ZodType<
      (typeof HEURISTICS)[number],
      string
    >,
    fallback: 'least-loaded',
  }),
  dispatcher: setting({
    value: 'urls',
    help: 'the URL of the dispatcher, or of several, separated by commas',
    schema: httpUrls,
  }),
  advertise: setting({
    value: 'url',
    help: 'the URL at which dispatcher and runners can reach this process',
    schema: httpUrl,
  }),
  ...ACCESS_SETTINGS,
  'health-port': setting({
    value: 'port',
    help: 'the HTTP port for /healthz, /readyz and /metrics of the runner',
    schema: integer(0, 65535),
    fallback: '4751',
  }),
  'drain-timeout': setting({
    value: 'duration',
    help: 'how long jobs may continue when the runner is stopped, before they are handed back',
    schema: duration,
    fallback: '20s',
  }),
  'job-timeout': setting({
    value: 'duration',
    help: "the maximum duration of a job's attempt, such as 30m or 2h",
    schema: duration,
    fallback: '1h',
  }),
  'include-repositories': setting({
    value: 'list',
    help: 'repositories that files may be included from: names such as acme/ci, or acme/ci=URL',
    schema: includeList,
  }),
  'user-requests': setting({
    value: 'reach',
    help: 'where Narwhal may connect on behalf of users: usual (repositories, their forges and dialled runners anywhere, test deliveries at public addresses and its own), public (public addresses only) or private (private networks and this machine, too); followed by additional hosts and ranges, as in public,git.internal,10.1.0.0/16',
    schema: userRequests,
    fallback: 'usual',
  }),
  'stranger-includes': setting({
    value: 'list',
    help: "those of --include-repositories that strangers' files may include as well: anybody may read them",
    schema: includeList,
  }),
  'max-priority': setting({
    value: 'level',
    help: 'the highest priority that counts; each level is worth ten minutes of waiting',
    schema: integer(0, 100),
    fallback: '6',
  }),
  'approval-days': setting({
    value: 'count',
    help: 'after how many days a pipeline that nobody has approved ends',
    schema: integer(1, 3650),
    fallback: '30',
  }),
  'max-attempts': setting({
    value: 'count',
    help: 'the maximum number of attempts of a job when runners are lost',
    schema: integer(1, 100),
    fallback: '3',
  }),
  ...BOUND_SETTINGS,
  ...JOB_SETTINGS,
  'log-level': setting({
    value: 'level',
    help: 'debug, info, warn, error or silent',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent'], {
      error: 'must be debug, info, warn, error or silent',
    }) as z.ZodType<string, string>,
    fallback: 'info',
  }),
  'log-format': setting({
    value: 'format',
    help: 'json, pretty, or auto: pretty on a terminal',
    schema: z.enum(['auto', 'json', 'pretty'], {
      error: 'must be auto, json or pretty',
    }) as z.ZodType<'auto' | 'json' | 'pretty', string>,
    fallback: 'auto',
  }),
} as const

export type SettingName = keyof typeof SETTINGS
export type SettingValue<Name extends SettingName> = z.output<(typeof SETTINGS)[Name]['schema']>

/** `NARWHAL_JOB_TIMEOUT` for `job-timeout`. */
export function variableOf(name: SettingName): string {
  return `NARWHAL_${name.replaceAll('-', '_').toUpperCase()}`
}
