import { NarwhalError } from '../../lib/errors.ts'
import { describeConnectError, isTlsError } from '../../lib/tls/connect-errors.ts'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const EXHAUSTED = ['53100', '53200', '53400']
const TOO_LARGE = ['54000', '54001', '54011', '54023']

/**
 * The server is away, goes, comes or is overloaded, a time-out struck, or it only reads (a
 * standby). Of these, nobody knows what became of a commit; everything may be tried again.
 */
const UNAVAILABLE = /^(?:08|28|3D|40|57|58)|^(?:25006|25P03|53300|53000|55P03)$/

/** pg's words. */
const NO_TLS = 'The server does not support SSL connections'

/** Errors of the socket and of pg itself carry no SQLSTATE. */
const SQLSTATE = /^[0-9A-Z]{5}$/

/** PostgreSQL's or pg's error as the port tells it, with the original as its cause. */
export function postgresError(error: unknown): NarwhalError {
  if (error instanceof NarwhalError) return error
  const cause = { cause: error }
  const reason = describeConnectError(error)
  const state = sqlState(error)
  if (state === undefined || UNAVAILABLE.test(state)) {
    return new NarwhalError('unavailable', `PostgreSQL can't be used now: ${reason}`, cause)
  }
  if (EXHAUSTED.includes(state)) {
    return new NarwhalError('exhausted', `PostgreSQL has no room: ${reason}`, cause)
  }
  if (TOO_LARGE.includes(state)) {
    return new NarwhalError('too_large', `too large for PostgreSQL: ${reason}`, cause)
  }
  if (state === '23505') {
    return new NarwhalError('conflict', `this is there already: ${reason}`, cause)
  }
  if (state === '23503') {
    return new NarwhalError('not_found', 'this refers to something that is not there', cause)
  }
  return new NarwhalError('internal', `PostgreSQL refused a statement: ${reason}`, cause)
}

/** PostgreSQL's five-character code, where the server has answered. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined
  return typeof error.code === 'string' && SQLSTATE.test(error.code) ? error.code : undefined
}

/** Whether the connection is lost, or can't be trusted any more, after this error. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error)
  return state === undefined || /^(?:08|57P|25P03)/.test(state)
}

/**
 * Whether it will be the same however often it is tried: a wrong password, user, database or
 * certificate, or no TLS where the URL asks for it.
 */
export function isMisconfigured(error: unknown): boolean {
  if (isTlsError(error)) return true
  if (error instanceof Error && error.message === NO_TLS) return true
  return /^(?:28|3D)/.test(sqlState(error) ?? '')
}
