import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SandboxLimits } from '../../executor.ts'
import { processesIn } from '../../local/bounds/group-processes.ts'
import {
  type CgroupFacts,
  type Controller,
  findAllGroups,
  findOwnGroup,
  findUnifiedGroup,
  type OwnGroup,
  readCgroupFacts,
} from '../../local/bounds/machine-cgroups.ts'
import {
  type Refusals,
  removeEmpty,
  removeGroup,
  SandboxCgroups,
} from '../../local/bounds/sandbox-cgroups.ts'
import type { RuntimeProgram } from '../runtime/trial-container.ts'
import type { ContainerTree } from '../trees/container-tree.ts'
import { readGroup, untilSo, writeGroup } from './group-files.ts'
import { killGroups } from './kill-groups.ts'
import { TreeControl } from './tree-control.ts'

/** The control groups of one container, with its limits. */
export interface ContainerGroup extends AsyncDisposable {
  /** By writing a 0 to each of these files, the runtime enters those groups that it does not make itself. */
  doorsFor(runtime: Pick<RuntimeProgram, 'name'>): readonly string[]
  /** Each of its folders, once. */
  readonly folders: readonly string[]
  refusals(): Refusals
  limit(limits: SandboxLimits): void
  /** Why a container's first process is not limited as wanted; empty if it is, or has ended. */
  trouble(pid: number | undefined, limits: SandboxLimits): string
  /** Stops everything in it; rejects with `unavailable` if that fails. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /**
   * Kills everything in it, frozen or not, and resolves once nothing is left. `launcher` is the program that starts
   * it, if that has not ended.
   */
  kill(launcher: number | undefined): Promise<void>
}

/**
 * Creates control groups for containers: where there are such, of the limits of memory, processors and
 * processes (version 1 or 2), and one of those by which a container is frozen and killed as a whole: in the
 * unified hierarchy, or else the freezer's.
 Where there is none, it is by its tree of processes.
 */
export class ContainerGroups implements Disposable {
  readonly #limits: SandboxCgroups
  readonly #whole: OwnGroup | undefined
  readonly #all: readonly OwnGroup[]
  readonly #name: string

  /** `instance` is the unique name of the runner on this machine. */
  constructor(instance: string, facts: CgroupFacts = readCgroupFacts()) {
    this.#limits = SandboxCgroups.find(instance, facts, 'narwhal-oci')
    this.#name = this.#limits.name
    this.#whole = this.#findWhole(facts)
    this.#all = findAllGroups(facts)
  }

  /** Which limits there are not, with the reason. */
  get missing(): ReadonlyMap<Controller, string> {
    return this.#limits.missing
  }

  /**
   * Whether a runtime that wants to make the groups of its containers itself can do that. An ordinary user seldom can:
   * then it is to leave them alone, like one that can be told to.
   */
  canBeMadeBy({ name }: Pick<RuntimeProgram, 'name'>): boolean {
    return name !== 'crun' && (process.getuid?.() === 0 || this.missing.size === 0)
  }

  /** Whether containers can be frozen and killed as a whole. */
  get canFreeze(): boolean {
    return this.#whole !== undefined
  }

  /** The folders that a container of this name may have, also those that only its runtime makes. */
  foldersOf(name: string): readonly string[] {
    return this.#all.map(({ path }) => join(path, this.#name, name))
  }

  /** Where they are, from this process's own groups. */
  relative(name: string): string {
    return `${this.#name}/${name}`
  }

  /** `tree` is for what no control group does here. */
  make(name: string, limits: SandboxLimits, tree: ContainerTree): ContainerGroup {
    const limited = this.#limits.make(name, limits)
    const { whole: path } = this.#paths(name)
    const whole = path === undefined ? undefined : wholeAt(path, !limited.folders.includes(path))
    const folders = [...new Set([...limited.folders, ...(whole ? [whole.folder] : [])])]
    const control = new TreeControl(tree)
    return {
      doorsFor: (runtime) => {
        const own = whole?.isBeside ? [whole.door] : []
        return this.canBeMadeBy(runtime)
          ? own
          : [...new Set([...limited.doors, ...(whole ? [whole.door] : [])])]
      },
      folders,
      refusals: () => limited.refusals(),
      limit: (now) => limited.limit(now),
      trouble: (pid, now) => {
        const unmet = limited.unmet(now)
        if (unmet.length > 0) return `the kernel does not have the limits of ${unmet.join(', ')}`
        if (pid === undefined || !existsSync(`/proc/${pid}`)) return ''
        const outside = folders.find((folder) => !processesIn(folder).includes(pid))
        return outside === undefined ? '' : `it is not in its control group ${outside}`
      },
      freeze: () => (whole ? whole.freeze(true) : control.freeze()),
      thaw: async () => (whole ? whole.freeze(false) : control.thaw()),
      kill: (launcher) => (folders.length > 0 ? killGroups(folders) : control.kill(launcher)),
      [Symbol.asyncDispose]: async () => {
        for (const folder of this.foldersOf(name)) await removeGroup(folder)
      },
    }
  }

  /** Removes the runner's own folders, if they are empty; runtimes leave them. */
  [Symbol.dispose](): void {
    for (const { path } of this.#all) removeEmpty(join(path, this.#name))
  }

  #paths(name: string): { readonly whole: string | undefined } {
    return { whole: this.#whole && join(this.#whole.path, this.#name, name) }
  }

  #findWhole(facts: CgroupFacts): OwnGroup | undefined {
    for (const group of [findUnifiedGroup(facts), findOwnGroup('freezer', facts)]) {
      if (!group) continue
      const probe = join(group.path, this.#name, 'probe')
      try {
        mkdirSync(probe, { recursive: true })
        removeEmpty(probe)
        return group
      } catch {
        // Another user's.
      }
    }
    return undefined
  }
}

function wholeAt(folder: string, isApart: boolean) {
  mkdirSync(folder, { recursive: true })
  const isUnified = existsSync(join(folder, 'cgroup.freeze'))
  return {
    folder,
    /** Whether it is a hierarchy without limits, which runtimes know nothing of. */
    isBeside: isUnified && isApart,
    door: join(folder, isUnified ? 'cgroup.procs' : 'tasks'),
    freeze: (isFrozen: boolean) =>
      isUnified ? freezeUnified(folder, isFrozen) : freezeFirst(folder, isFrozen),
  }
}

async function freezeUnified(folder: string, isFrozen: boolean): Promise<void> {
  writeGroup(join(folder, 'cgroup.freeze'), isFrozen ? '1' : '0')
  const wanted = `frozen ${isFrozen ? 1 : 0}`
  await untilSo(folder, () => readGroup(join(folder, 'cgroup.events')).includes(wanted))
}

/** Version 1: it may have to be asked again while processes are forked. */
async function freezeFirst(folder: string, isFrozen: boolean): Promise<void> {
  const file = join(folder, 'freezer.state')
  const wanted = isFrozen ? 'FROZEN' : 'THAWED'
  await untilSo(folder, () => {
    writeGroup(file, wanted)
    return readGroup(file).trim() === wanted
  })
}
