import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ApiClient } from '../../src/client/client.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import type { Installation } from './installation.ts'
import { freshDatabase, testService, uniquePrefix } from './services.ts'
import type { TcpProxy } from './tcp-proxy.ts'
import { tempDir } from './temp-dir.ts'
import { clientOf, METRICS_TOKEN, tokenIn } from './tokens.ts'

const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')

/** Why the distributed form can't be started here; false if it can. */
export function skipDistributed(): string | false {
  for (const name of ['postgres', 'rabbitmq', 'docker'] as const) {
    const { skip } = testService(name)
    if (skip) return skip
  }
  return false
}

/** The four separate processes, each with its own output. */
export interface Distributed extends Installation {
  readonly dispatcherUrl: string
  readonly said: () => string
  /** The URLs of each process's /healthz, /readyz and /metrics. */
  readonly healthUrls: Readonly<Record<'agent' | 'dispatcher' | 'web' | 'runner', string>>
  /** Resolves when all four answer and the runner is online. */
  readonly ready: () => Promise<void>
  readonly restart: (name: string, signal: NodeJS.Signals) => Promise<void>
}

export interface DistributedOptions {
  /** As `--executor`; the test's Docker Engine by default. */
  readonly executor?: string
  readonly slots?: number
  readonly brokerProxy?: TcpProxy
  readonly databaseProxy?: TcpProxy
  /** Don't wait for readiness: something is down on purpose. */
  readonly away?: boolean
}

/**
 * Starts agent, dispatcher, runner and web through the command line, as an operator would, on the test's
 * RabbitMQ, PostgreSQL and Docker Engine, with unique names there.
 */
export async function startDistributed(options: DistributedOptions = {}): Promise<Distributed> {
  await using stack = new AsyncDisposableStack()
  const data = stack.use(await tempDir())
  const database = stack.use(await freshDatabase())
  const broker = new URL(testService('rabbitmq').url)
  broker.searchParams.set('prefix', uniquePrefix())
  const { brokerProxy, databaseProxy } = options
  const databaseUrl = databaseProxy?.through(database.url) ?? database.url
  const brokerUrl = brokerProxy?.through(broker.href) ?? broker.href
  const shared = ['--database', databaseUrl, '--broker', brokerUrl]
  const said: string[] = []
  const group = stack.use(new ProcessGroup((text) => said.push(text)))
  const [agent, dispatcher, health, web] = await Promise.all(
    Array.from({ length: 4 }, () => freePort()),
  )
  const urlOf = (port: number | undefined): string => `http://127.0.0.1:${port}`
  const sealing = [...shared, '--data', data.path]
  group.start('agent', ['--port', String(agent), ...sealing])
  group.start('dispatcher', ['--port', String(dispatcher), ...sealing])
  group.start('web', ['--port', String(web), '--dispatcher', urlOf(dispatcher), ...shared])
  const executor = options.executor ?? `docker:${testService('docker').url}`
  const names = ['--name', 'apart', '--slots', String(options.slots ?? 2), '--executor', executor]
  // It attaches itself, as runners with a dispatcher's URL do.
  const far = ['--health-port', String(health), '--dispatcher', urlOf(dispatcher)]
  group.start('runner', [...far, ...names, '--data', data.path])
  const client = clientOf(urlOf(web), data.path)
  const healthUrls = {
    agent: urlOf(agent),
    dispatcher: urlOf(dispatcher),
    web: urlOf(web),
    runner: urlOf(health),
  }
  const ready = (): Promise<void> => untilReady(Object.values(healthUrls), client, said)
  if (!options.away) await ready()
  const resources = stack.move()
  return {
    url: urlOf(web),
    agentUrl: urlOf(agent),
    dispatcherUrl: urlOf(dispatcher),
    client,
    get token() {
      return tokenIn(data.path)
    },
    said: () => said.join(''),
    healthUrls,
    ready,
    restart: (name, signal) => group.restart(name, signal),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

class ProcessGroup implements AsyncDisposable {
  readonly #say: (text: string) => void
  readonly #running = new Map<string, { child: ChildProcess; args: string[] }>()

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  start(name: string, args: string[]): void {
    this.#running.set(name, { child: startProcess([name, ...args], this.#say), args })
  }

  async restart(name: string, signal: NodeJS.Signals): Promise<void> {
    const former = this.#running.get(name)
    if (!former) throw new Error(`there is no process ${name}`)
    await endProcess(former.child, signal)
    this.start(name, former.args)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#running.values()].map(({ child }) => child)
    await Promise.all(children.map((child) => endProcess(child, 'SIGTERM')))
  }
}

async function untilReady(
  urls: readonly string[],
  client: ApiClient,
  said: readonly string[],
): Promise<void> {
  let trouble: readonly string[] = []
  await eventually(
    async () => {
      trouble = await troubleOf(urls, client)
      return trouble.length === 0
    },
    { timeoutMs: 60_000, message: 'the four processes' },
  ).catch((error: unknown) => {
    const words = `${trouble.join(', ')}: ${said.join('')}`
    throw new Error(`the four processes are not ready: ${words}`, { cause: error })
  })
}

/** What is not ready yet, as messages; empty when all four are. */
async function troubleOf(urls: readonly string[], client: ApiClient): Promise<string[]> {
  const answers = await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(`${url}/readyz`)
      return answer.ok ? '' : `${url}: ${await answer.text()}`
    }),
  )
  const trouble = answers.filter(Boolean)
  if (trouble.length > 0) return trouble
  const runners = await client.listRunners()
  if (runners.some(({ state }) => state === 'online')) return []
  return [`no runner is online: ${JSON.stringify(runners)}`]
}

function startProcess(args: string[], say: (text: string) => void): ChildProcess {
  const { PATH, HOME, TMPDIR } = process.env
  const child = spawn(`${root}/narwhal`, args, {
    env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), NARWHAL_METRICS_TOKEN: METRICS_TOKEN },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => say(`${args[0]}: ${text}`))
  }
  return child
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
