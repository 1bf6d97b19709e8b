import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind, Role } from './kinds.ts'
import { askPostgres, deleteQueues } from './restartable-services.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SupervisedProcess } from './supervised-process.ts'
import type { Topology } from './topology.ts'

export interface Strike {
  readonly topology: Topology
  readonly target: string
  readonly random: SeededRandom
  /** How long it lasts, in milliseconds; chosen by chance unless told. */
  readonly lastsMs?: number | undefined
  /** Heal at once when it aborts. */
  readonly until: AbortSignal
}

/** One way to break something. */
export interface Fault {
  readonly kind: FaultKind
  readonly weight: number
  /** Whether it takes time until it is healed. */
  readonly lasts: boolean
  readonly targets: (topology: Topology) => readonly string[]
  /** Resolves when all is healed: true if anything was broken. */
  readonly strike: (strike: Strike) => Promise<boolean>
}

const PAUSE_MS = { from: 1_000, to: 15_000 }
const CUT_MS = { from: 500, to: 12_000 }
const DOWN_MS = { from: 0, to: 4_000 }

const DEFAULT_PREFIX = 'narwhal'

/** Mostly deaths of processes: at least two thirds of all faults. */
export function makeFaults(): Fault[] {
  return [
    kill('agent', 14),
    kill('dispatcher', 24),
    kill('runner', 24),
    kill('web', 10),
    stop('agent', 1),
    stop('dispatcher', 3),
    stop('runner', 3),
    stop('web', 1),
    pause('agent', 2),
    pause('dispatcher', 5),
    pause('runner', 5),
    pause('web', 1),
    fillDisk(3),
    cut(8),
    block('refuse-link', 5),
    block('stall-link', 5),
    restart('restart-broker', { service: 'rabbitmq', by: ['SIGTERM', 'SIGKILL'], weight: 1.5 }),
    restart('wipe-broker', { service: 'rabbitmq', by: ['SIGKILL'], weight: 1, wipe: true }),
    forgetQueues(1.5),
    restart('restart-database', { service: 'postgres', by: ['SIGINT'], weight: 1 }),
    restart('crash-database', { service: 'postgres', by: ['SIGQUIT'], weight: 1 }),
    terminateBackends(3),
  ]
}

function kill(role: Role, weight: number): Fault {
  return {
    kind: `kill-${role}`,
    weight,
    lasts: false,
    // One that is just starting may die, too; one that is paused is the business of that fault.
    targets: (topology) => namesOf(topology, role),
    strike: async ({ topology, target }) => find(topology, target).kill(),
  }
}

function stop(role: Role, weight: number): Fault {
  return {
    kind: `stop-${role}`,
    weight,
    lasts: false,
    targets: (topology) => namesOf(topology, role),
    strike: async ({ topology, target }) => find(topology, target).stop(),
  }
}

function pause(role: Role, weight: number): Fault {
  return {
    kind: `pause-${role}`,
    weight,
    lasts: true,
    targets: (topology) => namesOf(topology, role),
    strike: async ({ topology, target, random, lastsMs, until }) => {
      const one = find(topology, target)
      const struck = one.pause()
      await wait(lastsMs ?? random.between(PAUSE_MS.from, PAUSE_MS.to), until)
      one.resume()
      return struck
    },
  }
}

/** Of a runner: its spool, its mirrors and its workspaces. */
function fillDisk(weight: number): Fault {
  return {
    kind: 'fill-disk',
    weight,
    lasts: true,
    targets: ({ disks }) => [...disks.keys()],
    strike: async ({ topology, target, random, lastsMs, until }) => {
      const disk = topology.disks.get(target)
      await disk?.fill()
      await wait(lastsMs ?? random.between(CUT_MS.from, CUT_MS.to), until)
      await disk?.free()
      return disk !== undefined
    },
  }
}

function cut(weight: number): Fault {
  return {
    kind: 'cut-link',
    weight,
    lasts: false,
    targets: ({ links }) => links.names,
    strike: async ({ topology, target }) => {
      topology.links.get(target).cut()
      return true
    },
  }
}

function block(kind: 'refuse-link' | 'stall-link', weight: number): Fault {
  return {
    kind,
    weight,
    lasts: true,
    targets: ({ links }) => links.names,
    strike: async ({ topology, target, random, lastsMs, until }) => {
      const link = topology.links.get(target)
      if (kind === 'refuse-link') link.refuse()
      else link.stall()
      await wait(lastsMs ?? random.between(CUT_MS.from, CUT_MS.to), until)
      link.accept()
      return true
    },
  }
}

function restart(
  kind: FaultKind,
  how: {
    readonly service: 'rabbitmq' | 'postgres'
    readonly by: readonly NodeJS.Signals[]
    readonly weight: number
    readonly wipe?: boolean
  },
): Fault {
  return {
    kind,
    weight: how.weight,
    lasts: true,
    targets: () => [how.service],
    strike: async ({ topology, random, lastsMs, until }) => {
      const service = topology[how.service]
      await service.stop(random.pick(how.by))
      if (how.wipe) await service.wipe()
      await wait(lastsMs ?? random.between(DOWN_MS.from, DOWN_MS.to), until)
      await service.start()
      return true
    },
  }
}

function forgetQueues(weight: number): Fault {
  return {
    kind: 'delete-queues',
    weight,
    lasts: true,
    targets: () => ['rabbitmq'],
    strike: async ({ topology }) => {
      const { url } = topology.rabbitmq
      const prefix = new URL(url).searchParams.get('prefix') ?? DEFAULT_PREFIX
      await deleteQueues(url, [`${prefix}.commits`, `${prefix}.commits.dead`])
      return true
    },
  }
}

function terminateBackends(weight: number): Fault {
  return {
    kind: 'terminate-backends',
    weight,
    lasts: true,
    targets: () => ['postgres'],
    strike: async ({ topology, random, until }) => {
      for (let left = random.integer(1, 5); left > 0; left--) {
        await askPostgres(topology.postgres.url, TERMINATE)
        await wait(random.between(50, 500), until)
      }
      return true
    },
  }
}

const TERMINATE = `select pg_terminate_backend(pid) from pg_stat_activity
  where pid <> pg_backend_pid() and backend_type = 'client backend'`

function namesOf(topology: Topology, role: Role): readonly string[] {
  return topology.of(role).map(({ name }) => name)
}

function find(topology: Topology, name: string): SupervisedProcess {
  const found = topology.processes.find((one) => one.name === name)
  if (!found) throw new RangeError(`there is no process ${name}`)
  return found
}

async function wait(ms: number, until: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: until }).catch(() => undefined)
}
