import { readFileSync } from 'node:fs'

/**
 * What limits the number of a sandbox's processes, without counting those of anything else: a control group;
 * RLIMIT_NPROC, where the sandbox has a user or a user namespace of its own; nothing.
 */
export type ProcessLimit = 'group' | 'rlimit' | 'none'

export interface ProcessCounters {
  readonly hasGroup: boolean
  /** A user that runs nothing but this sandbox. */
  readonly hasOwnUser: boolean
  /** In which each step is. */
  readonly hasUserNamespace: boolean
  /** Whether `prlimit` is available. */
  readonly hasPrlimit: boolean
  /** As of `uname -r`. */
  readonly kernel: string
}

export function processLimitOf(counters: ProcessCounters): ProcessLimit {
  if (counters.hasGroup) return 'group'
  const isAlone =
    counters.hasOwnUser || (counters.hasUserNamespace && countsInNamespaces(counters.kernel))
  return isAlone && counters.hasPrlimit ? 'rlimit' : 'none'
}

/** Before Linux 5.14 RLIMIT_NPROC counted all processes of a user, whatever their namespace. */
function countsInNamespaces(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[^0-9]/).map(Number)
  return major > 5 || (major === 5 && minor >= 14)
}

/** An unprivileged process can't go above its own hard limit, and setting it would fail. */
export function withinHardLimit(
  processes: number,
  ownLimits: string = readFileSync('/proc/self/limits', 'utf8'),
): number {
  const hard = Number(/^Max processes +\S+ +(\d+)/m.exec(ownLimits)?.[1] ?? Infinity)
  return Math.min(processes, hard)
}
