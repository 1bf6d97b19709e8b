import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NarwhalError } from '../../../../lib/errors.ts'
import { readStat } from '../../processes/process-search.ts'

const WANTED = ['memory', 'pids']
const SWITCH_ON = WANTED.map((name) => `+${name}`).join(' ')

/**
 * Enables limits of memory and processes, and of processors if possible, for groups below this one (cgroup
 * v2). There a group has either processes or groups with limits, so this process and its children move into a
 * leaf, `narwhal-runner`, if they are in the way. Throws with the reason if that is not possible, as in a
 * service without `Delegate=yes`.
 */
export function delegateControllers(group: string): void {
  const missing = WANTED.filter((name) => !words(join(group, 'cgroup.controllers')).includes(name))
  if (missing.length > 0) {
    const what = missing.join(' and ')
    throw new NarwhalError('unavailable', `${group} has no ${what}: a service needs Delegate=yes`)
  }
  const control = join(group, 'cgroup.subtree_control')
  if (!WANTED.every((name) => words(control).includes(name))) {
    // Only the machine's root group has no type, and may have both.
    if (existsSync(join(group, 'cgroup.type'))) moveAside(group)
    writeFileSync(control, SWITCH_ON)
  }
  if (words(control).includes('cpu') || !words(join(group, 'cgroup.controllers')).includes('cpu'))
    return
  try {
    writeFileSync(control, '+cpu')
  } catch {
    // For instance because a real-time process is in some group: jobs have the other limits then.
  }
}

function moveAside(group: string): void {
  const leaf = join(group, 'narwhal-runner')
  mkdirSync(leaf, { recursive: true })
  const pids = words(join(group, 'cgroup.procs'))
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
