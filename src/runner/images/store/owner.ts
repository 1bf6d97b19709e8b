import { readFileSync } from 'node:fs'
import { hasCode } from '../../../lib/errors.ts'

let own: string | undefined
let boot: string | undefined

/** This process, as `pid-start-boot`: a pid alone may be given again. */
export function ownOwner(): string {
  own ??= `${process.pid}-${startOf(process.pid) ?? 0}-${bootId()}`
  return own
}

/** Whether the process of an owner is still there. */
export function isOwnerAlive(owner: string): boolean {
  const [pid = '', start = '', ...of] = owner.split('-')
  return of.join('-') === bootId() && startOf(Number(pid)) === start
}

function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return boot
}

/** In clock ticks since the boot. */
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
