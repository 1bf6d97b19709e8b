import { chown, writeFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import type { SandboxLimits } from '../executor.ts'
import { seccompFilter } from '../seccomp/seccomp-filter.ts'
import { outOfMemory, tooManyProcesses } from './bounds/limit-notes.ts'
import { type ProcessLimit, processLimitOf } from './bounds/process-limit.ts'
import { type Replacement, writeAccounts } from './bounds/sandbox-accounts.ts'
import { SandboxCgroups, type SandboxGroup } from './bounds/sandbox-cgroups.ts'
import type { LaunchParts } from './bounds/sandbox-launch.ts'
import { SandboxUsers } from './bounds/sandbox-users.ts'
import type { BubblewrapMode } from './bubblewrap-args.ts'
import type { Scratch } from './scratch.ts'

/** What a runner can isolate sandboxes with; found out once. */
export interface BoxMeans {
  /** Absent: the runner is not root, or has too few users. */
  readonly users?: SandboxUsers | undefined
  readonly groups: SandboxCgroups
}

export function findMeans(instance: string): BoxMeans {
  const groups = SandboxCgroups.find(instance)
  return { ...(process.getuid?.() === 0 ? { users: SandboxUsers.find() } : {}), groups }
}

const LIMITED = { memory: 'memory', cpu: 'processors', pids: 'processes' }

/** What jobs are not isolated from, as messages. */
export function missingIn(mode: BubblewrapMode, means: BoxMeans): readonly string[] {
  const isCounted = limitOfProcesses(mode, means) !== 'none'
  const unlimited = new Map<string, string[]>()
  for (const [controller, why] of means.groups.missing) {
    if (controller === 'pids' && isCounted) continue
    unlimited.set(why, [...(unlimited.get(why) ?? []), LIMITED[controller]])
  }
  const limits = [...unlimited].map(
    ([why, of]) => `jobs in bubblewrap have no limit of ${of.join(' and ')}: ${why}`,
  )
  if (FILTER) return limits
  const filter = `jobs in bubblewrap may make any system call: none is filtered on ${process.arch}`
  return [...limits, filter]
}

function limitOfProcesses(mode: BubblewrapMode, { users, groups }: BoxMeans): ProcessLimit {
  return processLimitOf({
    hasGroup: !groups.missing.has('pids'),
    hasOwnUser: mode.user !== undefined && users !== undefined,
    hasUserNamespace: !mode.privileged,
    hasPrlimit: mode.hasPrlimit,
    kernel: release(),
  })
}

export interface Box {
  readonly mode: BubblewrapMode
  readonly launch: LaunchParts
  readonly processLimit: ProcessLimit
  readonly accounts: readonly Replacement[]
  /** Which limit a step has hit since the last call; undefined: none. */
  readonly explain: () => string | undefined
}

export interface BoxOrder {
  readonly mode: BubblewrapMode
  readonly means: BoxMeans
  readonly scratch: Scratch
  readonly limits: SandboxLimits
}

const FILTER = seccompFilter()

/** Takes a user, creates the groups, and writes the sandbox's files; all are disposed of with the stack. */
export async function openBox(
  { mode, means, scratch, limits }: BoxOrder,
  owned: AsyncDisposableStack,
): Promise<Box> {
  const user = mode.user && means.users ? owned.use(means.users.take()) : mode.user
  const group = owned.use(means.groups.make(scratch.mark, limits))
  // Then bubblewrap itself runs as that user, who can't access another's folder.
  if (user && !mode.privileged) await chown(scratch.path, user.uid, user.gid)
  const filter = join(scratch.path, 'filter')
  const [accounts] = await Promise.all([
    user ? writeAccounts(scratch.path, user) : [],
    FILTER && writeFile(filter, FILTER, { mode: 0o644 }),
  ])
  return {
    mode: user ? { ...mode, user } : mode,
    launch: { ...(FILTER ? { filter } : {}), doors: group.doors },
    processLimit: limitOfProcesses(mode, means),
    accounts,
    explain: explainBy(group, limits),
  }
}

function explainBy(group: SandboxGroup, limits: SandboxLimits): Box['explain'] {
  let known = { oomKills: 0, forks: 0 }
  return () => {
    const before = known
    known = group.refusals()
    if (known.oomKills > before.oomKills) return outOfMemory(limits.memoryBytes)
    return known.forks > before.forks ? tooManyProcesses(limits.processes) : undefined
  }
}
