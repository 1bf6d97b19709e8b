import { ApiClient } from '../../../src/client/client.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { openStore } from '../../../src/store/open-store.ts'
import { gitRepository } from '../../support/git-repository.ts'
import { type Registered, register } from '../../support/installation.ts'
import { rabbitNames } from '../../support/rabbit-names.ts'
import { type FreshDatabase, freshDatabase, testService } from '../../support/services.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { FIRST_TOKEN, RUNNER_TOKEN } from '../../support/tokens.ts'
import type { CrashRun, CrashStage, End } from './crash-stage.ts'
import { readEndOf } from './read-end.ts'
import { type CrashPlan, RestartedProcess } from './restarted-process.ts'
import { PIPELINE_FILE } from './scenario.ts'

/**
 * Agent and dispatcher as processes of each run, on copies of one database and with names of their
 * own on RabbitMQ; one runner process, which the dispatchers dial, outlasts them all.
 */
export async function openPostgresStage(
  programs: string,
  signal: AbortSignal,
): Promise<CrashStage> {
  await using stack = new AsyncDisposableStack()
  const git = stack.use(await gitRepository({ files: { 'narwhal.yml': PIPELINE_FILE } }))
  const data = stack.use(await tempDir())
  const runner = stack.use(new RestartedProcess(programs, runnerArgs(data.path)))
  const prepared = stack.use(await freshDatabase())
  const shared = stack.use(await tempDir())
  const around = { programs, runner, signal, data: shared.path }
  const repository = await prepare(prepared, git.path, around)
  const sha = await git.head()
  const owned = stack.move()
  return {
    roles: ['agent', 'dispatcher'],
    repository,
    sha,
    open: (role, plan) => openRun({ programs, prepared, data: shared.path }, role, plan),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function runnerArgs(data: string): string[] {
  const about = ['--name', 'kept', '--slots', '4', '--executor', 'fake:', '--data', data]
  return ['runner', '--port', '0', '--health-port', '0', ...about]
}

/** Registers repository and runner; afterwards nobody is connected to the database. */
async function prepare(
  database: FreshDatabase,
  cloneUrl: string,
  around: { programs: string; runner: RestartedProcess; signal: AbortSignal; data: string },
): Promise<Registered> {
  const { programs, runner, signal, data } = around
  await using names = rabbitNames(testService('rabbitmq').url)
  const args = ['dispatcher', ...sharedArgs(database, names.prefix, data)]
  await using dispatcher = new RestartedProcess(programs, args)
  const client = new ApiClient({ server: await dispatcher.ready(), token: FIRST_TOKEN }, signal)
  const repository = await register({ client }, cloneUrl, { name: 'ada/project' })
  await client.addRunner({ name: 'kept', url: await runner.ready(), token: RUNNER_TOKEN })
  await dispatcher.stop('SIGTERM')
  return repository
}

function sharedArgs(database: FreshDatabase, prefix: string, data: string): string[] {
  const broker = new URL(testService('rabbitmq').url)
  broker.searchParams.set('prefix', prefix)
  return ['--port', '0', '--data', data, '--database', database.url, '--broker', broker.href]
}

async function openRun(
  { programs, prepared, data }: { programs: string; prepared: FreshDatabase; data: string },
  role: string,
  plan: CrashPlan,
): Promise<CrashRun> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await freshDatabase({ copyOf: prepared }))
  const names = stack.use(rabbitNames(testService('rabbitmq').url))
  const args = sharedArgs(database, names.prefix, data)
  const start = (one: string): RestartedProcess =>
    stack.use(new RestartedProcess(programs, [one, ...args], one === role ? plan : undefined))
  const [agent, dispatcher] = [start('agent'), start('dispatcher')]
  const owned = stack.move()
  return {
    addresses: {
      get agentUrl() {
        return agent.url
      },
      get apiUrl() {
        return dispatcher.url
      },
    },
    victim: role === 'agent' ? agent : dispatcher,
    said: () => `${agent.said}${dispatcher.said}`,
    readEnd: async () => {
      await Promise.all([agent.stop(), dispatcher.stop()])
      return await readPostgres(database)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function readPostgres({ url }: FreshDatabase): Promise<End> {
  await using store = await openStore({ kind: 'postgres', url, poolSize: 2 }, silentLog())
  return await readEndOf(store, 'ok')
}
