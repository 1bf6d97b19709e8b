import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxLimits } from '../executor.ts'
import { seccompFilter } from '../seccomp/seccomp-filter.ts'
import { outOfMemory, tooManyProcesses } from './bounds/limit-notes.ts'
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
  /** Absent: no control groups are available. */
  readonly groups?: SandboxCgroups | undefined
  /** What jobs are therefore not isolated from, as messages. */
  readonly missing: readonly string[]
}

export function findMeans(instance: string): BoxMeans {
  const groups = SandboxCgroups.find(instance)
  const isMissing = typeof groups === 'string'
  return {
    ...(process.getuid?.() === 0 ? { users: SandboxUsers.find() } : {}),
    ...(isMissing ? {} : { groups }),
    missing: [
      ...(isMissing
        ? [`jobs in bubblewrap have no limit of memory and processors: ${groups}`]
        : []),
      ...(isMissing || groups.hasCpu
        ? []
        : ['jobs in bubblewrap have no limit of processors: there is no control group for them']),
      ...(FILTER
        ? []
        : [`jobs in bubblewrap may make any system call: none is filtered on ${process.arch}`]),
    ],
  }
}

export interface Box {
  readonly mode: BubblewrapMode
  readonly launch: LaunchParts
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
  // Then bubblewrap itself runs as that user, which may not enter groups or another user's folder.
  const isOutside = user !== undefined && !mode.privileged
  const group = isOutside ? undefined : means.groups?.make(scratch.mark, limits)
  if (group) owned.use(group)
  if (isOutside) await chown(scratch.path, user.uid, user.gid)
  const filter = join(scratch.path, 'filter')
  const [accounts] = await Promise.all([
    user ? writeAccounts(scratch.path, user) : [],
    FILTER && writeFile(filter, FILTER, { mode: 0o644 }),
  ])
  return {
    mode: user ? { ...mode, user } : mode,
    launch: { ...(FILTER ? { filter } : {}), doors: group?.doors ?? [] },
    accounts,
    explain: explainBy(group, limits),
  }
}

function explainBy(group: SandboxGroup | undefined, limits: SandboxLimits): Box['explain'] {
  let known = { oomKills: 0, forks: 0 }
  return () => {
    const before = known
    known = group?.refusals() ?? before
    if (known.oomKills > before.oomKills) return outOfMemory(limits.memoryBytes)
    return known.forks > before.forks ? tooManyProcesses(limits.processes) : undefined
  }
}
