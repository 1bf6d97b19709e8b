import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** The controllers that limit a job. */
export type Controller = 'memory' | 'pids' | 'cpu'

/** The control group of this process, in a hierarchy. */
export interface OwnGroup {
  /** Absolute; limits are set in folders below it. */
  readonly path: string
  /** 2: the unified hierarchy, with all controllers in one. */
  readonly version: 1 | 2
}

/** What /proc says about this process's control groups. */
export interface CgroupFacts {
  /** /proc/self/cgroup */
  readonly groups: string
  /** /proc/self/mountinfo */
  readonly mounts: string
}

export function readCgroupFacts(): CgroupFacts {
  return {
    groups: readFileSync('/proc/self/cgroup', 'utf8'),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
  }
}

/**
 * This process's group for a controller; undefined if it is not mounted. On a "hybrid" machine the unified
 * hierarchy has no controllers, and version 1 has them.
 */
export function findOwnGroup(
  controller: Controller | 'freezer',
  facts: CgroupFacts,
): OwnGroup | undefined {
  const groups = facts.groups.split('\n').map((line) => line.split(':'))
  const [, , v1] = groups.find(([, names]) => names?.split(',').includes(controller)) ?? []
  if (v1 !== undefined) return findMounted('cgroup', v1, facts, controller)
  return findUnifiedGroup(facts)
}

/** This process's group in the unified hierarchy, with or without controllers; undefined if there is none. */
export function findUnifiedGroup(facts: CgroupFacts): OwnGroup | undefined {
  const [, , path] =
    facts.groups
      .split('\n')
      .map((line) => line.split(':'))
      .find(([number, names]) => number === '0' && names === '') ?? []
  return path === undefined ? undefined : findMounted('cgroup2', path, facts)
}

/** This process's groups in all hierarchies. */
export function findAllGroups(facts: CgroupFacts): readonly OwnGroup[] {
  const lines = facts.groups.split('\n').map((line) => line.split(':'))
  return lines.flatMap(([, names, path]) => {
    if (names === undefined || path === undefined) return []
    const [first = ''] = names.split(',')
    const type = first === '' ? 'cgroup2' : 'cgroup'
    return findMounted(type, path, facts, first || undefined) ?? []
  })
}

function findMounted(
  type: 'cgroup' | 'cgroup2',
  group: string,
  { mounts }: CgroupFacts,
  controller?: string,
): OwnGroup | undefined {
  for (const line of mounts.split('\n')) {
    // See proc(5): fields up to a dash, then the type, the source and the options.
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '', place = ''] = before.split(' ')
    const [kind, , options = ''] = after.split(' ')
    if (kind !== type) continue
    if (controller && !options.split(',').includes(controller)) continue
    const below =
      root === '/' ? group : group.startsWith(root) ? group.slice(root.length) : undefined
    if (below === undefined) continue
    return { path: resolve(place, `.${below}`), version: type === 'cgroup' ? 1 : 2 }
  }
  return undefined
}
