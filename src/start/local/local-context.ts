import { createHash } from 'node:crypto'
import { basename, join, resolve } from 'node:path'
import { loadConfig } from '../../config/config.ts'
import { readGitEnv, readSurroundings } from '../../config/env.ts'
import { openLog } from '../../lib/log.ts'
import type { Launch, PartsContext } from '../context.ts'
import { LOCAL_SETTINGS } from './local-settings.ts'

export type LocalContext = PartsContext<(typeof LOCAL_SETTINGS)[number]>

/** The user watches the pipeline, so by default only errors are logged. */
export async function openLocalContext(launch: Launch): Promise<LocalContext> {
  const flags = { logLevel: 'error', ...launch.flags }
  const config = loadConfig<(typeof LOCAL_SETTINGS)[number]>(LOCAL_SETTINGS, flags)
  // Files on one's own machine may name any host, by default.
  const hosts = config['fetch-hosts'].length > 0 ? config['fetch-hosts'] : ['*']
  return {
    config: {
      ...config,
      'fetch-hosts': hosts,
      ...(config.data && { data: resolve(launch.io.cwd, config.data) }),
    },
    log: await openLog({ level: config['log-level'], pretty: launch.io.stderr.isTTY }),
    gitEnv: readGitEnv(),
    version: launch.version,
    signal: launch.io.signal,
  }
}

/** What is kept between runs, for all folders: their images are in here; the user's data folder by default. */
export function localDataFolder(chosen: string | undefined): string {
  const { home, dataHome } = readSurroundings()
  return chosen ?? join(dataHome ?? join(home, '.local', 'share'), 'narwhal')
}

/** Where mirrors and snapshots of a folder are kept between runs. */
export function localFolder(root: string, chosen: string | undefined): string {
  const digest = createHash('sha256').update(root).digest('hex').slice(0, 12)
  return join(
    localDataFolder(chosen),
    'local',
    `${basename(root).replaceAll(/[^\w.-]/g, '-')}-${digest}`,
  )
}
