import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NarwhalError } from '../../../../lib/errors.ts'
import { readStat } from '../../processes/process-search.ts'
import type { Controller } from './machine-cgroups.ts'

/**
 * Enables the limits of a controller for the groups in this one (cgroup v2). There a group has either processes
 * or groups with limits, so this process and its children move into a leaf, `narwhal-runner`, if they are in
 * the way. Throws with the reason if that is not possible, as in a service without `Delegate=yes`.
 */
export function delegateController(group: string, controller: Controller): void {
  if (!words(join(group, 'cgroup.controllers')).includes(controller)) {
    throw new NarwhalError(
      'unavailable',
      `${group} has no ${controller}: a service needs Delegate=yes`,
    )
  }
  const control = join(group, 'cgroup.subtree_control')
  if (words(control).includes(controller)) return
  // Only the machine's root group has no type, and may have both.
  if (existsSync(join(group, 'cgroup.type'))) moveAside(group)
  writeFileSync(control, `+${controller}`)
}

function moveAside(group: string): void {
  const pids = words(join(group, 'cgroup.procs')).filter((pid) => pid !== '')
  if (pids.length === 0) return
  const leaf = join(group, 'narwhal-runner')
  mkdirSync(leaf, { recursive: true })
  for (const pid of pids) {
    if (isOfThisProcess(pid)) writeFileSync(join(leaf, 'cgroup.procs'), pid)
  }
}

function isOfThisProcess(pid: string): boolean {
  for (let at = pid; at !== '' && at !== '0'; at = readStat(at)[1] ?? '') {
    if (at === String(process.pid)) return true
  }
  return false
}

function words(file: string): readonly string[] {
  return readFileSync(file, 'utf8').trim().split(/\s+/)
}
