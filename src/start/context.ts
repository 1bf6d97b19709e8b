import { accessSync, constants, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CliIo } from '../cli/terminal/cli-io.ts'
import { type Config, loadConfig, warnOfCredentials } from '../config/config.ts'
import { defaultDataFolder } from '../config/data-folder.ts'
import { readGitEnv } from '../config/env.ts'
import { SERVICE_SETTINGS, type ServiceName } from '../config/service-settings.ts'
import type { SettingName } from '../config/settings.ts'
import { mayBeForge } from '../core/access/user-requests.ts'
import { type Metrics, openMetrics } from '../http/metrics.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git/git.ts'
import { type Logger, openLog } from '../lib/log.ts'
import { Hosts } from '../lib/reach/hosts.ts'
import { ownFolder } from './own-folder.ts'

/** How the process ends after a signal: by itself, or else after this time and with this exit code. */
export interface Stopping {
  withinMs: number
  exitCode: number
}

/** What a service is started with, before its settings are read. */
export interface Launch {
  readonly io: CliIo
  /** The folder of the package or checkout. */
  readonly root: string
  readonly version: string
  readonly flags: Readonly<Record<string, unknown>>
  /** The command may change it. */
  readonly stopping?: Stopping
}

/** What the parts of a process need. */
export interface PartsContext<Name extends SettingName> {
  readonly config: Config<Name>
  readonly log: Logger
  readonly gitEnv: GitEnv
  readonly version: string
  readonly signal: AbortSignal
}

/** The same for a service. */
export interface Context<Name extends SettingName> extends PartsContext<Name> {
  readonly metrics: Metrics
}

/** Reads the settings and opens the log; throws `invalid` with all invalid settings. */
export async function openContext<Name extends ServiceName>(
  launch: Launch,
  service: Name,
): Promise<Context<(typeof SERVICE_SETTINGS)[Name][number]>> {
  const config = loadConfig<(typeof SERVICE_SETTINGS)[Name][number]>(
    SERVICE_SETTINGS[service],
    launch.flags,
  )
  const { 'log-level': level, 'log-format': format } = config as Config<'log-level' | 'log-format'>
  const pretty = format === 'pretty' || (format === 'auto' && launch.io.stderr.isTTY)
  const log = await openLog({ level, pretty })
  for (const warning of warnOfCredentials(SERVICE_SETTINGS[service], launch.flags))
    log.warn(warning)
  return {
    config,
    log,
    metrics: openMetrics(),
    gitEnv: { ...readGitEnv(), hosts: hostsOf(config) },
    version: launch.version,
    signal: launch.io.signal,
  }
}

/** Where hosts for users' requests may be; not configured for processes without such requests. */
function hostsOf(config: Partial<Config<'user-requests'>>): Hosts {
  const { reach = 'usual', named = [] } = config['user-requests'] ?? {}
  return new Hosts({ isAllowed: mayBeForge(reach), named })
}

/** The absolute path of the data folder, which may not exist. Absolute, since jobs see paths in it. */
export function folderOf({ io, root }: Launch, chosen: string | undefined): string {
  return resolve(io.cwd, chosen ?? defaultDataFolder(root))
}

/**
 * The absolute path of the folder for persistent data, the configured one or the default; created if
 * missing. Other users have no access to it (see `ownFolder`).
 */
export function dataFolder(launch: Launch, chosen: string | undefined): string {
  const folder = folderOf(launch, chosen)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (cause) {
    const message = `can't write to ${folder}: ${describeError(cause)}; choose another folder with --data`
    throw new NarwhalError('invalid', message, { cause })
  }
  ownFolder(folder, (text) => launch.io.stderr.write(`narwhal: ${text}\n`))
  return folder
}

/** Resolves when the process is stopped. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
