import { join } from 'node:path'
import { readPrivately } from '../private-file.ts'

/**
 * Files of the data folder, readable by their owner alone, by which processes and people on one machine prove
 * that they are the same user.
 */

const NAMES = {
  /** An administrator's access token. */
  access: { file: 'token', name: 'the access token' },
  /** Sent by a dispatcher to a dialled runner. */
  runner: { file: 'runner-token', name: 'the runner token' },
}

export type OwnTokenKind = keyof typeof NAMES

export function ownTokenPath(folder: string, kind: OwnTokenKind): string {
  return join(folder, NAMES[kind].file)
}

/** The stored token, if any. Throws `invalid` when others may read it, or it can't be read. */
export function readOwnToken(folder: string, kind: OwnTokenKind): string | undefined {
  return readPrivately(ownTokenPath(folder, kind), NAMES[kind])?.trim() || undefined
}
