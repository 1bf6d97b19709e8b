import { NarwhalError } from '../../lib/errors.ts'

/** Primary result codes; https://www.sqlite.org/rescode.html */
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IOERR = 10
const FULL = 13
const CANTOPEN = 14
const TOOBIG = 18
const CONSTRAINT = 19

/** Extended result codes. */
const CONSTRAINT_FOREIGNKEY = 787
const CONSTRAINT_PRIMARYKEY = 1555
const CONSTRAINT_UNIQUE = 2067

/** Whether another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code !== undefined && [BUSY, LOCKED].includes(code & 0xff)
}

/** Translates an error of SQLite into one of the port, with the original as its cause. */
export function sqliteError(error: unknown): NarwhalError {
  const code = resultCode(error)
  if (error instanceof NarwhalError || code === undefined) return NarwhalError.from(error)
  const reason = (error as Error).message
  const cause = { cause: error }
  switch (code & 0xff) {
    case FULL:
      return new NarwhalError('exhausted', "the database's disk is full", cause)
    case BUSY:
    case LOCKED:
      return new NarwhalError('unavailable', `another process locks the database: ${reason}`, cause)
    case READONLY:
    case IOERR:
    case CANTOPEN:
      return new NarwhalError('unavailable', `the database is unavailable: ${reason}`, cause)
    case TOOBIG:
      return new NarwhalError('too_large', `too large for the database: ${reason}`, cause)
    case CONSTRAINT:
      return constraintError(code, error as Error)
    default:
      return new NarwhalError('internal', `the database failed: ${reason}`, cause)
  }
}

function constraintError(code: number, cause: Error): NarwhalError {
  if (code === CONSTRAINT_UNIQUE || code === CONSTRAINT_PRIMARYKEY) {
    return new NarwhalError('conflict', `already exists: ${cause.message}`, { cause })
  }
  if (code === CONSTRAINT_FOREIGNKEY) {
    return new NarwhalError('not_found', 'refers to something that does not exist', { cause })
  }
  return new NarwhalError('internal', `the database rejected a row: ${cause.message}`, { cause })
}

/** The extended result code, if it is an error of SQLite. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}
