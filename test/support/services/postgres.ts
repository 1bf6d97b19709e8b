import { execFile } from 'node:child_process'
import { chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { present } from '../../../src/lib/present.ts'
import { steadyPort } from '../free-port.ts'
import { commandIn, type Place } from './command-in.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { findProgram, isRoot } from './programs.ts'
import type { StartOptions, StartService, Unavailable } from './service.ts'

const run = promisify(execFile)

/** The user that PostgreSQL's package creates. */
const USER = 'postgres'

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '64MB',
}

/** Tests' data need not survive, so writes need not wait for the disk. */
const NOT_DURABLE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/** A server with a data folder and a port: it may be started repeatedly. */
export interface PreparedPostgres {
  readonly port: number
  /** Resolves when it accepts connections. */
  start(signal: AbortSignal): Promise<Daemon>
}

export const startPostgres: StartService = async (dir, signal, options) => {
  const prepared = await preparePostgres(dir, signal, options)
  if ('unavailable' in prepared) return prepared
  const { port } = prepared
  const daemon = await prepared.start(signal)
  return {
    env: { NARWHAL_TEST_POSTGRES: `postgres://narwhal@127.0.0.1:${port}/postgres` },
    note: `PostgreSQL on port ${port}`,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  }
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package created. */
export async function preparePostgres(
  dir: string,
  signal: AbortSignal,
  options?: StartOptions,
): Promise<PreparedPostgres | Unavailable> {
  const place = present({ root: options?.root })
  const initdb = findProgram('initdb', place.root)
  const server = findProgram('postgres', place.root)
  if (!initdb || !server) return { unavailable: 'PostgreSQL is not installed (apt: postgresql)' }
  const data = join(dir, 'data')
  await mkdir(data, { mode: 0o700 })
  const whose = isRoot() ? { ...place, user: USER } : place
  if (isRoot()) await chown(data, await idOf('-u', place), await idOf('-g', place))

  const locale = ['--encoding=UTF8', '--locale=C.UTF-8']
  const init = ['--no-sync', '--username=narwhal', '--auth=trust', ...locale, '--pgdata', data]
  const [command, ...args] = commandIn(whose, [initdb, ...init])
  await run(command, args, { cwd: data, signal })
  const port = await steadyPort()
  const all = { ...SETTINGS, ...(options?.durable ? {} : NOT_DURABLE) }
  const settings = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const daemon = {
    ...whose,
    command: server,
    args: ['-D', data, '-p', String(port), ...settings],
    cwd: data,
    log: join(dir, 'log'),
    ready: /ready to accept connections/,
    // "Fast shutdown": doesn't wait for clients.
    stopSignal: 'SIGINT',
  } as const
  return { port, start: (until) => startDaemon(daemon, until) }
}

async function idOf(which: '-u' | '-g', place: Place): Promise<number> {
  const [command, ...args] = commandIn(place, ['id', which, USER])
  return Number((await run(command, args)).stdout)
}
