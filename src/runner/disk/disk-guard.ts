import { NarwhalError } from '../../lib/errors.ts'
import type { DiskUse, Sandbox, SandboxDisk } from '../executor/executor.ts'
import { sizeInWords } from '../executor/local/bounds/limit-notes.ts'
import { findFull } from './disk-room.ts'

/** Why a job was ended that exceeded its disk limit. */
export function diskInWords({ bytes, largest }: DiskUse, limitBytes: number): string {
  const parts = largest.map((one) => `${one.path} has ${sizeInWords(one.bytes)}`)
  const where = parts.length > 0 ? `: ${parts.join(', ')}` : ''
  return `the job uses ${sizeInWords(bytes)} of disk space, and its limit is ${sizeInWords(limitBytes)} (\`job-disk\`)${where}`
}

/**
 * A sandbox in which a step that fails on a full disk does not fail the job: `run` rejects with
 * `unavailable`, so that another runner may try.
 */
export function withRoom(sandbox: Pick<Sandbox, 'run'>, disk: SandboxDisk | undefined) {
  if (!disk) return sandbox
  const run: Sandbox['run'] = async (step, output, signal) => {
    const exit = await sandbox.run(step, output, signal)
    if (exit.exitCode === 0) return exit
    const full = await findFull(disk.folders)
    if (full === undefined) return exit
    throw new NarwhalError('unavailable', `the runner's disk is full: ${full}`)
  }
  return { run }
}
