import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../../lib/errors.ts'
import { delegateControllers } from './delegate-controllers.ts'
import type { SandboxLimits } from './executor.ts'
import {
  type CgroupFacts,
  findOwnGroup,
  type OwnGroup,
  readCgroupFacts,
} from './machine-cgroups.ts'

/** What kills of a group's last process may take until the group can be removed, in milliseconds. */
const REMOVE_MS = 5_000
const LOOK_MS = 2

/** What the kernel has refused to a sandbox so far. */
export interface Refusals {
  /** Processes that were killed for want of memory. */
  readonly oomKills: number
  /** Processes and threads that could not be started. */
  readonly forks: number
}

/** The control groups of one sandbox. */
export interface SandboxGroup extends AsyncDisposable {
  /** A process that writes a 0 to each of these files has entered. */
  readonly doors: readonly string[]
  refusals(): Refusals
}

/**
 * A folder of this runner in each hierarchy that bounds a job, and in it one for each sandbox: with a
 * limit of processes and of memory that no process in it can get away from.
 */
export class SandboxCgroups implements Disposable {
  readonly #memory: OwnGroup
  readonly #pids: OwnGroup
  readonly #name: string

  private constructor(memory: OwnGroup, pids: OwnGroup, name: string) {
    this.#memory = memory
    this.#pids = pids
    this.#name = name
  }

  /**
   * Tries whether this process may make groups; else says why not. `instance` is the runner's name
   * among all on this machine.
   */
  static find(instance: string, facts: CgroupFacts = readCgroupFacts()): SandboxCgroups | string {
    const memory = findOwnGroup('memory', facts)
    const pids = findOwnGroup('pids', facts)
    if (!memory || !pids) return 'this machine has no control groups for memory and processes'
    try {
      if (memory.version === 2) delegateControllers(memory.path)
      const groups = new SandboxCgroups(
        memory,
        pids,
        `narwhal-${instance.replaceAll(/[^A-Za-z0-9_.]+/g, '_')}`,
      )
      groups.#try()
      return groups
    } catch (error) {
      return `control groups can't be made here: ${describeError(error)}`
    }
  }

  /** Makes the groups of a sandbox, in well under a millisecond; throws when it can't. */
  make(name: string, limits: SandboxLimits): SandboxGroup {
    const memory = join(this.#memory.path, this.#name, name)
    const pids = join(this.#pids.path, this.#name, name)
    const folders = [...new Set([memory, pids])]
    for (const folder of folders) mkdirSync(folder, { recursive: true })
    limitMemory(memory, this.#memory.version, limits.memoryBytes)
    writeFileSync(join(pids, 'pids.max'), String(limits.processes))
    const doorOf = ({ version }: OwnGroup) => (version === 1 ? 'tasks' : 'cgroup.procs')
    const doors = [join(memory, doorOf(this.#memory)), join(pids, doorOf(this.#pids))]
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

  /** Of the sandboxes that have groups now. */
  names(): readonly string[] {
    return [...new Set(this.#parents.flatMap(foldersIn))]
  }

  /** Ends and removes what a former process of this runner left; resolves to the number of sandboxes. */
  async sweep(): Promise<number> {
    const names = this.names()
    const left = names.flatMap((name) => this.#parents.map((parent) => join(parent, name)))
    await Promise.all(left.map(removeGroup))
    return names.length
  }

  /** Removes the runner's own folder, if nothing is left in it. */
  [Symbol.dispose](): void {
    for (const parent of new Set(this.#parents)) {
      try {
        rmdirSync(parent)
      } catch {}
    }
  }

  get #parents(): readonly string[] {
    return [this.#memory, this.#pids].map(({ path }) => join(path, this.#name))
  }

  #try(): void {
    const { doors } = this.make('probe', { memoryBytes: 2 ** 30, processes: 100, cpus: 1 })
    for (const door of doors) rmdirSync(dirname(door))
  }
}

function limitMemory(folder: string, version: 1 | 2, bytes: number): void {
  if (version === 2) {
    writeFileSync(join(folder, 'memory.max'), String(bytes))
    writeWhereThere(join(folder, 'memory.swap.max'), '0')
    return
  }
  writeFileSync(join(folder, 'memory.limit_in_bytes'), String(bytes))
  // With swap; not every kernel counts that.
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

/** Kills all in a group until it is empty and can be removed. One that stays is found at the next start. */
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
