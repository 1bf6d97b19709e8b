import type { SandboxLimits } from '../../executor.ts'
import type { OciDeviceRule, OciResources } from './oci-json.ts'

const CPU_PERIOD_US = 100_000
/** The least that the kernel accepts. */
const LEAST_QUOTA_US = 1_000

/** The limits of a container's control group. No swap: a limit that includes it equals that of memory. */
export function resourcesOf({ memoryBytes, cpus, processes }: SandboxLimits): OciResources {
  return {
    memory: { limit: memoryBytes, swap: memoryBytes },
    cpu: {
      quota: Math.max(LEAST_QUOTA_US, Math.round(cpus * CPU_PERIOD_US)),
      period: CPU_PERIOD_US,
    },
    pids: { limit: processes },
    devices: DEVICE_RULES,
  }
}

const NULL = { major: 1, minor: 3 }
const ZERO = { major: 1, minor: 5 }
const FULL = { major: 1, minor: 7 }
const RANDOM = { major: 1, minor: 8 }
const URANDOM = { major: 1, minor: 9 }
const TTY = { major: 5, minor: 0 }
const PTMX = { major: 5, minor: 2 }
const PTS = { major: 136 }
const USABLE = [NULL, ZERO, FULL, RANDOM, URANDOM, TTY, PTMX, PTS]

/** Nodes of any device may be made, as by package scripts; only harmless ones can be opened. */
const DEVICE_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...USABLE.map((device) => ({ allow: true, type: 'c' as const, ...device, access: 'rwm' })),
]
