import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError, hasCode } from '../../../../lib/errors.ts'
import type { SandboxLimits } from '../../executor.ts'
import { delegateController } from './delegate-controllers.ts'
import { isLimited, setLimit } from './group-limits.ts'
import { processesIn } from './group-processes.ts'
import {
  type CgroupFacts,
  type Controller,
  findOwnGroup,
  type OwnGroup,
  readCgroupFacts,
} from './machine-cgroups.ts'

/** How long a group may be busy after its last process was killed, in milliseconds. */
const REMOVE_MS = 5_000
const LOOK_MS = 2
const PROBED = { memoryBytes: 2 ** 30, processes: 100, cpus: 0.5 }

/** What the kernel has refused to a sandbox so far. */
export interface Refusals {
  /** Processes killed for lack of memory. */
  readonly oomKills: number
  /** Processes and threads that could not be started. */
  readonly forks: number
}

export interface SandboxGroup extends AsyncDisposable {
  /** A process enters by writing a 0 to each of these files. */
  readonly doors: readonly string[]
  /** Its folders, each once. */
  readonly folders: readonly string[]
  refusals(): Refusals
  /** Changes its limits. */
  limit(limits: SandboxLimits): void
  /** Which limits the kernel does not have as they were set, read back from it. */
  unmet(limits: SandboxLimits): readonly Controller[]
}

const CONTROLLERS: readonly Controller[] = ['pids', 'memory', 'cpu']

/** Whose groups they are, as two executors may have the same name; no name of a runner contains a dash here. */
export type GroupKind = 'narwhal' | 'narwhal-oci'

interface Found {
  readonly groups: ReadonlyMap<Controller, OwnGroup>
  readonly missing: ReadonlyMap<Controller, string>
}

/**
 * A folder of this runner in each hierarchy that limits jobs, and in it one for each sandbox: with those of the
 * limits of processes, of memory and of processors that are available, which no process in it can escape.
 */
export class SandboxCgroups implements Disposable {
  readonly #groups: ReadonlyMap<Controller, OwnGroup>
  /** Why there is no limit, for each that there isn't. */
  readonly missing: ReadonlyMap<Controller, string>
  /** Of the runner's folder in each hierarchy. */
  readonly name: string

  private constructor({ groups, missing }: Found, name: string) {
    this.#groups = groups
    this.missing = missing
    this.name = name
  }

  /**
   * Tries for each limit whether this process may create groups with it. `instance` is the unique name of the
   * runner on this machine.
   */
  static find(
    instance: string,
    facts: CgroupFacts = readCgroupFacts(),
    kind: GroupKind = 'narwhal',
  ): SandboxCgroups {
    const name = `${kind}-${instance.replaceAll(/[^A-Za-z0-9_.]+/g, '_')}`
    const groups = new Map<Controller, OwnGroup>()
    const missing = new Map<Controller, string>()
    for (const controller of CONTROLLERS) {
      const group = findOwnGroup(controller, facts)
      const trouble = group
        ? tryLimit(controller, group, name)
        : 'this machine has no control groups'
      if (group && trouble === '') groups.set(controller, group)
      else missing.set(controller, trouble)
    }
    return new SandboxCgroups({ groups, missing }, name)
  }

  /** Creates the groups of a sandbox, in well under a millisecond; throws if that fails. */
  make(name: string, limits: SandboxLimits): SandboxGroup {
    // A limit of all processors needs no group.
    const wanted = [...this.#groups].filter(
      ([controller]) => controller !== 'cpu' || limits.cpus < availableParallelism(),
    )
    const folderIn = ({ path }: OwnGroup) => join(path, this.name, name)
    for (const [, group] of wanted) mkdirSync(folderIn(group), { recursive: true })
    const limit = (now: SandboxLimits): void => {
      for (const [controller, group] of wanted) {
        setLimit(controller, { folder: folderIn(group), version: group.version, limits: now })
      }
    }
    limit(limits)
    const folders = [...new Set(wanted.map(([, group]) => folderIn(group)))]
    const doors = wanted.map(([, group]) =>
      join(folderIn(group), group.version === 1 ? 'tasks' : 'cgroup.procs'),
    )
    const [memory, pids] = [this.#groups.get('memory'), this.#groups.get('pids')]
    const oomFile = memory?.version === 1 ? 'memory.oom_control' : 'memory.events'
    return {
      doors: [...new Set(doors)],
      folders,
      limit,
      unmet: (now) =>
        wanted
          .filter(([controller, group]) => {
            const { version } = group
            return !isLimited(controller, { folder: folderIn(group), version, limits: now })
          })
          .map(([controller]) => controller),
      refusals: () => ({
        oomKills: memory ? countIn(join(folderIn(memory), oomFile), 'oom_kill') : 0,
        forks: pids ? countIn(join(folderIn(pids), 'pids.events'), 'max') : 0,
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
    for (const parent of new Set(this.#parents)) removeEmpty(parent)
  }

  get #parents(): readonly string[] {
    return [...this.#groups.values()].map(({ path }) => join(path, this.name))
  }
}

/** Creates a group with a limit and removes it again; returns '' on success, else the reason. */
function tryLimit(controller: Controller, group: OwnGroup, name: string): string {
  const parent = join(group.path, name)
  const folder = join(parent, 'probe')
  try {
    mkdirSync(parent, { recursive: true })
    // The runner's folder too is a group, which has to pass the controller on.
    if (group.version === 2) {
      for (const path of [group.path, parent]) delegateController(path, controller)
    }
    mkdirSync(folder, { recursive: true })
    setLimit(controller, { folder, version: group.version, limits: PROBED })
    rmdirSync(folder)
    return ''
  } catch (error) {
    const isForbidden = hasCode(error, 'EACCES') || hasCode(error, 'EPERM')
    const why =
      isForbidden && process.getuid?.() !== 0
        ? 'an ordinary user needs cgroup version 2 for it, and a service with Delegate=yes'
        : describeError(error)
    return `control groups can't be created here: ${why}`
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

/** Removes a group without processes and groups in it. */
export function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {}
}

/** Kills everything in a group until it can be removed. If that fails, the next start finds it. */
export async function removeGroup(folder: string): Promise<void> {
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

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}
