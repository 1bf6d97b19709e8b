import { NarwhalError } from '../../lib/errors.ts'
import { describeConnectError, isTlsError } from '../../lib/tls/connect-errors.ts'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const EXHAUSTED = ['53100', '53200', '53400']
const TOO_LARGE = ['54000', '54001', '54011', '54023']

/**
 * The server is unreachable, starting, stopping, overloaded or read-only (a standby), or a timeout
 * expired. The outcome of a commit is then unknown; everything may be retried.
 */
const UNAVAILABLE = /^(?:08|28|3D|40|57|58)|^(?:25006|25P03|53300|53000|55P03)$/

/** pg's message. */
const NO_TLS = 'The server does not support SSL connections'

/** Errors of the socket and of pg itself carry no SQLSTATE. */
const SQLSTATE = /^[0-9A-Z]{5}$/

/** Translates an error of PostgreSQL or pg into one of the port, with the original as its cause. */
export function postgresError(error: unknown): NarwhalError {
  if (error instanceof NarwhalError) return error
  const cause = { cause: error }
  const reason = describeConnectError(error)
  const state = sqlState(error)
  if (state === undefined || UNAVAILABLE.test(state)) {
    return new NarwhalError('unavailable', `PostgreSQL is unavailable: ${reason}`, cause)
  }
  if (EXHAUSTED.includes(state)) {
    return new NarwhalError('exhausted', `PostgreSQL is out of space: ${reason}`, cause)
  }
  if (TOO_LARGE.includes(state)) {
    return new NarwhalError('too_large', `too large for PostgreSQL: ${reason}`, cause)
  }
  if (state === '23505') {
    return new NarwhalError('conflict', `already exists: ${reason}`, cause)
  }
  if (state === '23503') {
    return new NarwhalError('not_found', 'refers to something that does not exist', cause)
  }
  return new NarwhalError('internal', `PostgreSQL rejected a statement: ${reason}`, cause)
}

/** PostgreSQL's five-character code, if the server has answered. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined
  return typeof error.code === 'string' && SQLSTATE.test(error.code) ? error.code : undefined
}

/** Whether the connection is lost or unusable after this error. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error)
  return state === undefined || /^(?:08|57P|25P03)/.test(state)
}

/**
 * Whether retrying is useless: a wrong password, user, database or certificate, or no TLS where the
 * URL asks for it.
 */
export function isMisconfigured(error: unknown): boolean {
  if (isTlsError(error)) return true
  if (error instanceof Error && error.message === NO_TLS) return true
  return /^(?:28|3D)/.test(sqlState(error) ?? '')
}
