import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../../../src/lib/present.ts'
import { steadyPort } from '../free-port.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { findProgram } from './programs.ts'
import type { StartOptions, StartService, Unavailable } from './service.ts'

/** A node with folders and ports: it may be started repeatedly. */
export interface PreparedRabbitmq {
  readonly port: number
  /** Its data; may be deleted while it is stopped. */
  readonly dataFolder: string
  /** The Erlang port mapper, which the node always needs. */
  startMapper(signal: AbortSignal): Promise<Daemon>
  /** Resolves when it accepts connections. */
  start(signal: AbortSignal): Promise<Daemon>
}

export const startRabbitmq: StartService = async (dir, signal, options) => {
  const prepared = await prepareRabbitmq(dir, options)
  if ('unavailable' in prepared) return prepared
  const { port } = prepared
  await using started = new AsyncDisposableStack()
  started.use(await prepared.startMapper(signal))
  started.use(await prepared.start(signal))
  const owned = started.move()
  return {
    env: { NARWHAL_TEST_RABBITMQ: `amqp://guest:guest@127.0.0.1:${port}` },
    note: `RabbitMQ on port ${port}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/**
 * A node of its own: name, ports, folders, cookie, and the Erlang port mapper, which RabbitMQ would otherwise
 * start as a daemon that outlives it.
 */
export async function prepareRabbitmq(
  dir: string,
  { root }: StartOptions = {},
): Promise<PreparedRabbitmq | Unavailable> {
  const epmd = findProgram('epmd', root)
  const server = findProgram('rabbitmq-server', root)
  if (!epmd || !server) return { unavailable: 'RabbitMQ is not installed (apt: rabbitmq-server)' }
  const [port, distPort, epmdPort] = [await steadyPort(), await steadyPort(), await steadyPort()]
  const home = join(dir, 'home')
  await mkdir(home)
  await writeFile(join(home, '.erlang.cookie'), 'NARWHALTESTS', { mode: 0o400 })
  await writeFile(join(dir, 'enabled_plugins'), '[].\n')
  await writeFile(join(dir, 'rabbitmq.conf'), configuration(port))
  const mapper = ['-address', '127.0.0.1', '-port', String(epmdPort)]
  const mapperLog = join(dir, 'epmd.log')
  const env = environment(dir, home, distPort, epmdPort)
  const ready = /Server startup complete/
  const log = join(dir, 'log')
  const common = { cwd: dir, ...present({ root }) }
  return {
    port,
    dataFolder: join(dir, 'mnesia'),
    startMapper: (signal) =>
      startDaemon({ ...common, command: epmd, args: mapper, log: mapperLog }, signal),
    start: (signal) =>
      startDaemon({ ...common, command: server, args: [], env, log, ready }, signal),
  }
}

/** Small: the write-ahead log of quorum queues is kept in memory, up to this size. */
function configuration(port: number): string {
  return [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    'log.console = true',
    'log.console.level = info',
    'log.file = false',
    'vm_memory_high_watermark.absolute = 1GB',
    'disk_free_limit.absolute = 50MB',
    'raft.wal_max_size_bytes = 32000000',
    '',
  ].join('\n')
}

function environment(
  dir: string,
  home: string,
  distPort: number,
  epmdPort: number,
): Record<string, string> {
  return {
    HOME: home,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'narwhal@localhost',
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_CONF_ENV_FILE: join(dir, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'logs'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, 'config'),
    RABBITMQ_SCHEMA_DIR: join(dir, 'schema'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    // Its start script then becomes the Erlang machine, instead of a shell that waits for it.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
}
