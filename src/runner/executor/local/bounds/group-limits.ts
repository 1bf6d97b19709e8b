import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SandboxLimits } from '../../executor.ts'
import type { Controller } from './machine-cgroups.ts'

/** Period over which processor time is limited, in microseconds: the kernel's default. */
const PERIOD_US = 100_000
/** The kernel counts memory in pages of at most this size. */
const PAGE_BYTES = 64 * 1024

export interface GroupLimits {
  readonly folder: string
  readonly version: 1 | 2
  readonly limits: SandboxLimits
}

/** Sets one limit of a group; throws the system's error if the kernel refuses it. */
export function setLimit(controller: Controller, { folder, version, limits }: GroupLimits): void {
  switch (controller) {
    case 'pids':
      return writeFileSync(join(folder, 'pids.max'), String(limits.processes))
    case 'memory':
      return limitMemory(folder, version, limits.memoryBytes)
    case 'cpu':
      return limitCpus(folder, version, limits.cpus)
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

/** Whether the kernel has the limit as it was set; false also where it can't be read. */
export function isLimited(
  controller: Controller,
  { folder, version, limits }: GroupLimits,
): boolean {
  const numberIn = (file: string, index = 0): number => {
    try {
      return Number(readFileSync(join(folder, file), 'utf8').trim().split(' ')[index])
    } catch {
      return Number.NaN
    }
  }
  switch (controller) {
    case 'pids':
      return numberIn('pids.max') === limits.processes
    case 'memory': {
      const bytes = numberIn(version === 1 ? 'memory.limit_in_bytes' : 'memory.max')
      return bytes <= limits.memoryBytes && bytes > limits.memoryBytes - PAGE_BYTES
    }
    case 'cpu': {
      const quotaUs = numberIn(version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max')
      return quotaUs === Math.round(limits.cpus * PERIOD_US)
    }
  }
}
