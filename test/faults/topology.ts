import { chmod, mkdir } from 'node:fs/promises'
import { steadyPort } from '../support/free-port.ts'
import { type TempDir, tempDir } from '../support/temp-dir.ts'
import { FIRST_TOKEN, METRICS_TOKEN, RUNNER_TOKEN } from '../support/tokens.ts'
import { ROLES, type Role } from './kinds.ts'
import { Links } from './links.ts'
import type { FaultsOptions } from './options.ts'
import {
  givenServices,
  openPostgres,
  openRabbitmq,
  type RestartableService,
} from './restartable-services.ts'
import { type Member, roleArgs } from './role-args.ts'
import type { SeededRandom } from './seeded-random.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'
import { SupervisedProcess } from './supervised-process.ts'

/** Long enough that a machine under load is not flooded with starts, short as a service manager's. */
const RESTART_MS = { from: 100, to: 1_500 }

/** A whole Narwhal in many processes on this machine, with servers of its own. */
export interface Topology extends AsyncDisposable {
  /** In the environment of every process that the run has started, steps too. */
  readonly folder: string
  readonly witnessFolder: string
  readonly outputFolder: string
  readonly postgres: RestartableService
  readonly rabbitmq: RestartableService
  readonly links: Links
  /** Of the runners, by `disk of runner-1`; none where they can't be made. */
  readonly disks: ReadonlyMap<string, SmallDisk>
  readonly processes: readonly SupervisedProcess[]
  of(role: Role): readonly SupervisedProcess[]
  /** Has all processes of Narwhal end, in good order unless told, and waits for that; the servers stay. */
  stopProcesses(by?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export async function startTopology(
  options: FaultsOptions,
  random: SeededRandom,
): Promise<Topology> {
  const { signal } = options
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-faults-'))
  // PostgreSQL runs as another user.
  await chmod(dir.path, 0o755)
  const folders = ['witness', 'output', 'tmp', 'data'].map((name) => dir.join(name))
  await Promise.all(folders.map((folder) => mkdir(folder)))
  const [postgres, rabbitmq] = options.servers
    ? givenServices(options.servers)
    : await Promise.all([
        openPostgres(dir.join('postgres'), signal).then((one) => stack.use(one)),
        openRabbitmq(dir.join('rabbitmq'), signal).then((one) => stack.use(one)),
      ])
  const links = stack.use(new Links())
  const members = await chooseMembers(options)
  const disks = stack.use(await mountDisks(members, dir))
  const processes: SupervisedProcess[] = []
  for (const member of members) {
    const delays = random.fork(member.name)
    const args = await roleArgs(member, { options, members, links, postgres, rabbitmq, dir })
    const made = new SupervisedProcess({
      name: member.name,
      role: member.role,
      ...command(options, member.role, args),
      env: environment(options, dir),
      outputFile: dir.join('output', `${member.name}.log`),
      healthUrl: `http://127.0.0.1:${member.healthPort}`,
      restartDelayMs: () => delays.between(RESTART_MS.from, RESTART_MS.to),
    })
    processes.push(made)
  }
  let stopped: Promise<unknown> | undefined
  const stopProcesses: Topology['stopProcesses'] = async (by) => {
    stopped ??= Promise.all(processes.map((one) => one.end(by)))
    await stopped
  }
  // Before the servers they use.
  stack.defer(() => stopProcesses())
  for (const one of processes) await one.start()
  const owned = stack.move()
  return {
    folder: dir.path,
    witnessFolder: dir.join('witness'),
    outputFolder: dir.join('output'),
    postgres,
    rabbitmq,
    links,
    disks: disks.byName,
    processes,
    of: (role) => processes.filter((one) => one.role === role),
    stopProcesses,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function chooseMembers({ counts }: FaultsOptions): Promise<readonly Member[]> {
  const members: Member[] = []
  for (const role of ROLES) {
    for (let index = 1; index <= counts[role]; index++) {
      const port = await steadyPort()
      const healthPort = role === 'runner' ? await steadyPort() : port
      members.push({ name: `${role}-${index}`, role, index, port, healthPort })
    }
  }
  return members
}

async function mountDisks(members: readonly Member[], dir: TempDir) {
  await using stack = new AsyncDisposableStack()
  const byName = new Map<string, SmallDisk>()
  for (const { name, role } of members) {
    if (role !== 'runner') continue
    const disk = await mountSmallDisk(dir.join('data', name))
    if (disk) byName.set(`disk of ${name}`, stack.use(disk))
  }
  const owned = stack.move()
  return { byName, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function command({ root, program }: FaultsOptions, role: Role, args: readonly string[]) {
  if (!program) return { command: `${root}/narwhal`, args: [role, ...args] }
  return { command: `${root}/node_modules/.bin/node`, args: [program, role, ...args] }
}

function environment({ root, program }: FaultsOptions, dir: TempDir) {
  const { PATH = '' } = process.env
  const own = {
    PATH,
    HOME: dir.path,
    TMPDIR: dir.join('tmp'),
    NARWHAL_FIRST_TOKEN: FIRST_TOKEN,
    NARWHAL_TOKEN: FIRST_TOKEN,
    NARWHAL_RUNNER_TOKEN: RUNNER_TOKEN,
    NARWHAL_METRICS_TOKEN: METRICS_TOKEN,
  }
  // What is run once and never again is not worth a place there.
  return program ? own : { ...own, NODE_COMPILE_CACHE: `${root}/node_modules/.cache/narwhal` }
}
