import { isOwnerAlive, ownProcess } from '../../../lib/process-owner.ts'

/** This process as a part of a file's name: `pid-start-boot`. */
export function ownOwner(): string {
  const { pid, startedAt, boot } = ownProcess()
  return `${pid}-${startedAt}-${boot}`
}

/** Whether the process of an owner is still there. */
export function isAlive(owner: string): boolean {
  const [pid = '', startedAt = '', ...boot] = owner.split('-')
  return isOwnerAlive({ pid: Number(pid), startedAt, boot: boot.join('-') })
}
