import { readFileSync } from 'node:fs'
import { hasCode } from './errors.ts'

/** A process of this machine, told from all others that ever had or will have its pid. */
export interface ProcessOwner {
  readonly pid: number
  /** In clock ticks since the boot. */
  readonly startedAt: string
  readonly boot: string
}

let own: ProcessOwner | undefined
let boot: string | undefined

/** This process. */
export function ownProcess(): ProcessOwner {
  own ??= { pid: process.pid, startedAt: startOf(process.pid) ?? '0', boot: bootId() }
  return own
}

/** Whether the process is still there. Throws if that can't be found out. */
export function isOwnerAlive(owner: ProcessOwner): boolean {
  return owner.boot === bootId() && startOf(owner.pid) === owner.startedAt
}

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return boot
}

function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name before it, in brackets, may have anything in it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    // A zombie does nothing any more.
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined
    throw error
  }
}
