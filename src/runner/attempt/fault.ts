import type { AttemptFault } from '../../core/attempt/attempt-event.ts'
import { type ErrorCode, NarwhalError } from '../../lib/errors.ts'
import { isNoEngine } from '../executor/refuse-containers.ts'

/** An executor's error codes for a job that can't run as written. */
const OF_THE_JOB: readonly ErrorCode[] = ['invalid', 'not_found', 'too_large']

/** Checkout errors that are never the commit's fault: a bug of ours, no space. */
const OF_THE_RUNNER: readonly ErrorCode[] = ['internal', 'exhausted']

/** The system's error codes when it is out of space, files, processes or memory. */
const OF_THE_MACHINE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']
/** The same in git's messages: it has no codes for them. */
const NO_ROOM = /no space left|disk quota exceeded|read-only file system/i

/** Whose fault it is that a sandbox could not be opened, or a step could not run in it. */
export function faultOfSandbox(error: unknown): AttemptFault | undefined {
  if (isNoEngine(error)) return 'no_engine'
  const isTheJobs = error instanceof NarwhalError && OF_THE_JOB.includes(error.code)
  return isTheJobs ? undefined : 'runner'
}

/**
 * Whose fault it is that a commit could not be checked out: the remote's or the commit's, unless the
 * runner is out of space, could not start git, or has a bug.
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
