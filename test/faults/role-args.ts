import type { TempDir } from '../support/temp-dir.ts'
import type { Role } from './kinds.ts'
import type { Links } from './links.ts'
import type { FaultsOptions } from './options.ts'
import type { RestartableService } from './restartable-services.ts'

/** A member that is about to be started. */
export interface Member {
  readonly name: string
  readonly role: Role
  readonly index: number
  readonly port: number
  readonly healthPort: number
}

interface Surroundings {
  readonly options: FaultsOptions
  readonly members: readonly Member[]
  readonly links: Links
  readonly postgres: RestartableService
  readonly rabbitmq: RestartableService
  readonly dir: TempDir
}

/** Enough for any run: that a job may give up is not what is tried here. */
const MAX_ATTEMPTS = 50

/** What stands behind `narwhal agent`, `dispatcher`, `runner` or `web`. */
export async function roleArgs(member: Member, around: Surroundings): Promise<readonly string[]> {
  const own = await OWN_ARGS[member.role](member, around)
  const extra = around.options.extraArgs[member.role] ?? []
  return ['--port', String(member.port), '--log-format', 'json', ...own, ...extra]
}

const OWN_ARGS: Readonly<
  Record<Role, (member: Member, around: Surroundings) => Promise<readonly string[]>>
> = {
  agent: sealingArgs,
  dispatcher: async (member, around) => [
    ...(await sealingArgs(member, around)),
    '--max-attempts',
    String(MAX_ATTEMPTS),
    ...(await advertiseArgs(member, around)),
  ],
  runner: runnerArgs,
  web: async (member, around) => [
    ...(await sharedArgs(member, around)),
    '--dispatcher',
    await dispatcherUrls(member, around),
  ],
}

async function advertiseArgs({ name, port }: Member, around: Surroundings): Promise<string[]> {
  if (!around.options.advertise) return []
  const link = await around.links.open(`others→${name}`, port)
  return ['--advertise', `http://127.0.0.1:${link.port}`]
}

/** The store and the broker, each by a link of one's own. */
async function sharedArgs({ name }: Member, around: Surroundings): Promise<readonly string[]> {
  const { links, postgres, rabbitmq } = around
  const store = await links.open(`${name}→postgres`, postgres.port)
  const broker = await links.open(`${name}→rabbitmq`, rabbitmq.port)
  return ['--database', store.through(postgres.url), '--broker', broker.through(rabbitmq.url)]
}

/** The store, the broker and the keys of secrets. */
async function sealingArgs(member: Member, around: Surroundings): Promise<readonly string[]> {
  const data = around.dir.join('data', member.name)
  const keys = ['--sealing-keys', around.dir.join('sealing-keys'), '--data', data]
  return [...(await sharedArgs(member, around)), ...keys]
}

async function runnerArgs(member: Member, around: Surroundings): Promise<readonly string[]> {
  const { name, index, port, healthPort } = member
  const { options, links, dir } = around
  const data = dir.join('data', name)
  const executor = options.executors[(index - 1) % options.executors.length] ?? 'process:'
  const about = ['--name', name, '--slots', String(options.slots), '--executor', executor]
  const places = ['--data', data, '--health-port', String(healthPort)]
  const kind = options.runnerLinks[(index - 1) % options.runnerLinks.length]
  if (kind === 'attached') {
    return [...about, ...places, '--dispatcher', await dispatcherUrls(member, around)]
  }
  const link = await links.open(`dispatchers→${name}`, port)
  const dispatcher = await dispatcherUrls(member, around)
  const reached = ['--advertise', `http://127.0.0.1:${link.port}`, '--dispatcher', dispatcher]
  return [...about, ...places, ...reached]
}

/** All dispatchers, with commas between them, each by a link of one's own. */
async function dispatcherUrls({ name }: Member, around: Surroundings): Promise<string> {
  const dispatchers = around.members.filter(({ role }) => role === 'dispatcher')
  const urls = await Promise.all(
    dispatchers.map(async (one) => {
      const link = await around.links.open(`${name}→${one.name}`, one.port)
      return `http://127.0.0.1:${link.port}`
    }),
  )
  return urls.join(',')
}
