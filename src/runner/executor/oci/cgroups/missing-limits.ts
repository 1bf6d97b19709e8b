import { release } from 'node:os'
import type { SandboxLimits } from '../../executor.ts'
import type { Controller } from '../../local/bounds/machine-cgroups.ts'
import { processLimitOf, withinHardLimit } from '../../local/bounds/process-limit.ts'
import type { FoundRuntime } from '../runtime/find-runtime.ts'
import type { OciRlimit } from '../spec/oci-json.ts'

interface Groups {
  /** Which limits there are not, with the reason. */
  readonly missing: ReadonlyMap<Controller, string>
}

type Found = Pick<FoundRuntime, 'idMap'> | undefined

const LIMITS = { memory: 'memory', cpu: 'processors', pids: 'processes' } as const

/** For people: which limits containers don't have. */
export function missingLimits(groups: Groups, found: Found): readonly string[] {
  const isCounted = countsProcesses(groups, found)
  const missing = [...groups.missing].filter(([limit]) => limit !== 'pids' || !isCounted)
  const [first] = missing
  if (!first) return []
  const all = Object.entries(LIMITS).filter(([limit]) => missing.some(([one]) => one === limit))
  const names = new Intl.ListFormat('en').format(all.map(([, name]) => name))
  return [
    `the ${all.length > 1 ? 'limits' : 'limit'} of ${names} ${all.length > 1 ? 'are' : 'is'} not in force: ${first[1]}`,
  ]
}

/**
 * The limit of each user's processes in a container, where no control group has one: the kernel counts them in the
 * user namespace.
 */
export function processRlimits(
  groups: Groups,
  found: Found,
  { processes }: Pick<SandboxLimits, 'processes'>,
): readonly OciRlimit[] {
  if (!countsProcesses(groups, found)) return []
  const most = withinHardLimit(processes)
  return [{ type: 'RLIMIT_NPROC', soft: most, hard: most }]
}

function countsProcesses({ missing }: Groups, found: Found): boolean {
  if (!missing.has('pids')) return false
  const means = { hasGroup: false, hasOwnUser: false, hasPrlimit: true, kernel: release() }
  return processLimitOf({ ...means, hasUserNamespace: found?.idMap !== undefined }) === 'rlimit'
}
