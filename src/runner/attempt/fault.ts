import type { AttemptFault } from '../../core/attempt/attempt-event.ts'
import { type ErrorCode, NarwhalError } from '../../lib/errors.ts'
import { isNoEngine } from '../executor/refuse-containers.ts'

/** What an executor says of a job that it can't run as it is written. */
const OF_THE_JOB: readonly ErrorCode[] = ['invalid', 'not_found', 'too_large']

/** What of a checkout is never the commit's: a bug of ours, and no room. */
const OF_THE_RUNNER: readonly ErrorCode[] = ['internal', 'exhausted']

/** What the system says when it has no room, or no more files, processes or memory to give. */
const OF_THE_MACHINE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']
/** The same in git's words: it has no codes for them. */
const NO_ROOM = /no space left|disk quota exceeded|read-only file system/i

/** Whose fault it is that a sandbox could not be opened, or a step not be run in it. */
export function faultOfSandbox(error: unknown): AttemptFault | undefined {
  if (isNoEngine(error)) return 'no_engine'
  const isTheJobs = error instanceof NarwhalError && OF_THE_JOB.includes(error.code)
  return isTheJobs ? undefined : 'runner'
}

/**
 * Whose fault it is that a commit could not be had: the remote's or the commit's, unless the runner
 * had no room, could not start git, or has a bug.
 */
export function faultOfCheckout(error: unknown): AttemptFault | undefined {
  if (!(error instanceof NarwhalError)) return 'runner'
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof NarwhalError && OF_THE_RUNNER.includes(cause.code)) return 'runner'
    if (NO_ROOM.test(cause.message)) return 'runner'
    const { code, syscall } = cause as NodeJS.ErrnoException
    if (OF_THE_MACHINE.includes(code ?? '') || syscall?.startsWith('spawn')) return 'runner'
  }
  return undefined
}
