import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../../../../lib/errors.ts'
import type { SandboxLimits } from '../../executor.ts'
import { delegateControllers } from './delegate-controllers.ts'
import {
  type CgroupFacts,
  findOwnGroup,
  type OwnGroup,
  readCgroupFacts,
} from './machine-cgroups.ts'

/** How long a group may be busy after its last process was killed, in milliseconds. */
const REMOVE_MS = 5_000
const LOOK_MS = 2
/** Period over which processor time is limited, in microseconds: the kernel's default. */
const PERIOD_US = 100_000
const PROBED = { memoryBytes: 2 ** 30, processes: 100, cpus: 0.5 }

/** What the kernel has refused to a sandbox so far. */
export interface Refusals {
  /** Processes killed for lack of memory. */
  readonly oomKills: number
  /** Processes and threads that could not be started. */
  readonly forks: number
}

interface Groups {
  readonly memory: OwnGroup
  readonly pids: OwnGroup
  /** Absent: processors are not limited. */
  readonly cpu: OwnGroup | undefined
}

export interface SandboxGroup extends AsyncDisposable {
  /** A process enters by writing a 0 to each of these files. */
  readonly doors: readonly string[]
  refusals(): Refusals
}

/**
 * A folder of this runner in each hierarchy that limits jobs, and in it one for each sandbox: with a limit of
 * processes, of memory and, if available, of processors, that no process in it can escape.
 */
export class SandboxCgroups implements Disposable {
  readonly #memory: OwnGroup
  readonly #pids: OwnGroup
  readonly #cpu: OwnGroup | undefined
  readonly #name: string

  private constructor(groups: Groups, name: string) {
    this.#memory = groups.memory
    this.#pids = groups.pids
    this.#cpu = groups.cpu
    this.#name = name
  }

  /**
   * Tries whether this process may create groups; else returns the reason. `instance` is the unique name of
   * the runner on this machine.
   */
  static find(instance: string, facts: CgroupFacts = readCgroupFacts()): SandboxCgroups | string {
    const memory = findOwnGroup('memory', facts)
    const pids = findOwnGroup('pids', facts)
    if (!memory || !pids) return 'this machine has no control groups for memory and processes'
    const name = `narwhal-${instance.replaceAll(/[^A-Za-z0-9_.]+/g, '_')}`
    try {
      if (memory.version === 2) delegateControllers(memory.path)
      const cpu = findOwnGroup('cpu', facts)
      const withCpu = new SandboxCgroups({ memory, pids, cpu }, name)
      if (cpu && withCpu.#works()) return withCpu
      const without = new SandboxCgroups({ memory, pids, cpu: undefined }, name)
      without.#try()
      return without
    } catch (error) {
      return `control groups can't be created here: ${describeError(error)}`
    }
  }

  get hasCpu(): boolean {
    return this.#cpu !== undefined
  }

  /** Creates the groups of a sandbox, in well under a millisecond; throws if that fails. */
  make(name: string, limits: SandboxLimits): SandboxGroup {
    const folderIn = ({ path }: OwnGroup) => join(path, this.#name, name)
    const memory = folderIn(this.#memory)
    const pids = folderIn(this.#pids)
    // A limit of all processors needs no group.
    const cpu = limits.cpus < availableParallelism() ? this.#cpu : undefined
    const groups = [this.#memory, this.#pids, ...(cpu ? [cpu] : [])]
    const folders = [...new Set(groups.map(folderIn))]
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    limitMemory(memory, this.#memory.version, limits.memoryBytes)
    writeFileSync(join(pids, 'pids.max'), String(limits.processes))
    if (cpu) limitCpus(folderIn(cpu), cpu.version, limits.cpus)
    const doors = groups.map((one) =>
      join(folderIn(one), one.version === 1 ? 'tasks' : 'cgroup.procs'),
    )
    return {
      doors: [...new Set(doors)],
      refusals: () => ({
        oomKills: countIn(
          join(memory, this.#memory.version === 1 ? 'memory.oom_control' : 'memory.events'),
          'oom_kill',
        ),
        forks: countIn(join(pids, 'pids.events'), 'max'),
      }),
      [Symbol.asyncDispose]: async () => {
        for (const folder of folders) await removeGroup(folder)
      },
    }
  }

  names(): readonly string[] {
    return [...new Set(this.#parents.flatMap(foldersIn))]
  }

  /** Kills and removes what a previous process of this runner left behind; resolves to its number. */
  async sweep(): Promise<number> {
    const names = this.names()
    const left = names.flatMap((name) => this.#parents.map((parent) => join(parent, name)))
    await Promise.all(left.map(removeGroup))
    return names.length
  }

  /** Removes the runner's own folder, if it is empty. */
  [Symbol.dispose](): void {
    for (const parent of new Set(this.#parents)) {
      try {
        rmdirSync(parent)
      } catch {}
    }
  }

  get #parents(): readonly string[] {
    const all = [this.#memory, this.#pids, ...(this.#cpu ? [this.#cpu] : [])]
    return all.map(({ path }) => join(path, this.#name))
  }

  #works(): boolean {
    try {
      this.#try()
      return true
    } catch {
      return false
    }
  }

  #try(): void {
    const { doors } = this.make('probe', PROBED)
    for (const door of doors) rmdirSync(dirname(door))
  }
}

function limitCpus(folder: string, version: 1 | 2, cpus: number): void {
  const quotaUs = Math.round(cpus * PERIOD_US)
  if (version === 2) return writeFileSync(join(folder, 'cpu.max'), `${quotaUs} ${PERIOD_US}`)
  writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_US))
  writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quotaUs))
}

function limitMemory(folder: string, version: 1 | 2, bytes: number): void {
  if (version === 2) {
    writeFileSync(join(folder, 'memory.max'), String(bytes))
    writeWhereThere(join(folder, 'memory.swap.max'), '0')
    return
  }
  writeFileSync(join(folder, 'memory.limit_in_bytes'), String(bytes))
  // Including swap; not every kernel accounts for that.
  writeWhereThere(join(folder, 'memory.memsw.limit_in_bytes'), String(bytes))
}

function writeWhereThere(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'r+' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** The number after a word at the beginning of a line. */
function countIn(file: string, word: string): number {
  try {
    return Number(new RegExp(`^${word} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Kills everything in a group until it can be removed. If that fails, the next start finds it. */
async function removeGroup(folder: string): Promise<void> {
  const deadline = performance.now() + REMOVE_MS
  for (;;) {
    try {
      rmdirSync(folder)
      return
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || performance.now() > deadline) return
    }
    for (const pid of processesIn(folder)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {}
    }
    await sleep(LOOK_MS)
  }
}

function processesIn(folder: string): readonly number[] {
  try {
    const text = readFileSync(join(folder, 'cgroup.procs'), 'utf8')
    return text
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
  } catch {
    return []
  }
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}
