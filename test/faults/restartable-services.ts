import { chmod, mkdir, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'amqplib'
import { Client } from 'pg'
import type { Daemon } from '../support/services/daemon.ts'
import { installMissing } from '../support/services/install.ts'
import { preparePostgres } from '../support/services/postgres.ts'
import { prepareRabbitmq } from '../support/services/rabbitmq.ts'
import type { Unavailable } from '../support/services/service.ts'
import type { GivenServers } from './options.ts'

/** A server of one's own that can be stopped in any way and started again where it was. */
export interface RestartableService extends AsyncDisposable {
  readonly name: 'rabbitmq' | 'postgres'
  /** `amqp://…` or `postgres://…`, always the same. */
  readonly url: string
  readonly port: number
  /** Signals its process and waits until it is gone. */
  stop(signal: NodeJS.Signals): Promise<void>
  /** Resolves when it answers. */
  start(): Promise<void>
  /** Loses all its data; only while it is stopped. */
  wipe(): Promise<void>
}

const START_TRIES = 10
const STOP_WITHIN_MS = 30_000

/** A RabbitMQ that keeps everything in `dir`, which must exist and be empty. */
export async function openRabbitmq(dir: string, signal: AbortSignal): Promise<RestartableService> {
  await mkdir(dir)
  const prepared = available(await prepareRabbitmq(dir))
  await using stack = new AsyncDisposableStack()
  stack.use(await prepared.startMapper(signal))
  const server = stack.use(new Restartable((until) => prepared.start(until), signal))
  await server.start()
  const owned = stack.move()
  return {
    name: 'rabbitmq',
    url: `amqp://guest:guest@127.0.0.1:${prepared.port}`,
    port: prepared.port,
    stop: (by) => server.stop(by),
    start: () => server.start(),
    wipe: () => rm(prepared.dataFolder, { recursive: true, force: true, maxRetries: 5 }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A PostgreSQL that waits for its disk, as one in production does, with an empty database. */
export async function openPostgres(dir: string, signal: AbortSignal): Promise<RestartableService> {
  await mkdir(dir)
  await chmod(dir, 0o755)
  const prepared = available(await preparePostgres(dir, signal, { durable: true }))
  const server = new Restartable((until) => prepared.start(until), signal)
  await server.start()
  const url = (database: string) => `postgres://narwhal@127.0.0.1:${prepared.port}/${database}`
  await askPostgres(url('postgres'), 'create database narwhal')
  return {
    name: 'postgres',
    url: url('narwhal'),
    port: prepared.port,
    stop: (by) => server.stop(by),
    start: () => server.start(),
    wipe: () => Promise.reject(new Error('the store is the truth: it is never wiped')),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Servers that others have started and may use as well: they can't be stopped. */
export function givenServices({
  postgresUrl,
  rabbitmqUrl,
}: GivenServers): readonly [RestartableService, RestartableService] {
  return [given('postgres', postgresUrl), given('rabbitmq', rabbitmqUrl)]
}

function given(name: RestartableService['name'], url: string): RestartableService {
  const refuse = () => Promise.reject(new Error(`${name} is not ours to stop`))
  const port = Number(new URL(url).port)
  const dispose = async () => {}
  return {
    name,
    url,
    port,
    stop: refuse,
    start: refuse,
    wipe: refuse,
    [Symbol.asyncDispose]: dispose,
  }
}

/** Installs what the two need, where it is missing and can be. */
export async function installServices(
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await installMissing(['initdb', 'rabbitmq-server'], say, signal)
}

/** One statement on a connection of its own. */
export async function askPostgres(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Deletes queues as an operator might by mistake; those that are not there are no error. */
export async function deleteQueues(url: string, names: readonly string[]): Promise<void> {
  const connection = await connect(url)
  connection.on('error', () => {})
  try {
    const channel = await connection.createChannel()
    channel.on('error', () => {})
    for (const name of names) await channel.deleteQueue(name)
  } finally {
    await connection.close()
  }
}

class Restartable implements AsyncDisposable {
  readonly #launch: (signal: AbortSignal) => Promise<Daemon>
  readonly #signal: AbortSignal
  #daemon: Daemon | undefined

  constructor(launch: (signal: AbortSignal) => Promise<Daemon>, signal: AbortSignal) {
    this.#launch = launch
    this.#signal = signal
  }

  async start(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        this.#daemon = await this.#launch(this.#signal)
        return
      } catch (error) {
        // What a crashed one left to the kernel (its port, its shared memory) takes a moment to go.
        if (tries >= START_TRIES || this.#signal.aborted) throw error
        await sleep(500)
      }
    }
  }

  async stop(by: NodeJS.Signals): Promise<void> {
    const daemon = this.#daemon
    if (!daemon) return
    // RabbitMQ's helpers are in its group; PostgreSQL's children end with their parent.
    process.kill(by === 'SIGKILL' ? -daemon.pid : daemon.pid, by)
    const patience = new AbortController()
    await Promise.race([daemon.ended, sleep(STOP_WITHIN_MS, undefined, patience)])
    patience.abort()
    await daemon[Symbol.asyncDispose]()
    this.#daemon = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]()
  }
}

function available<Prepared extends object>(found: Prepared | Unavailable): Prepared {
  if ('unavailable' in found) throw new Error(found.unavailable)
  return found
}
