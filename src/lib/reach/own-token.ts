import { join } from 'node:path'
import { readPrivately } from '../private-file.ts'

/**
 * Files of the data folder, each for its owner alone, by which processes and people on one machine
 * prove to each other that they are of the same user.
 */

const NAMES = {
  /** An access token of an administrator. */
  access: { file: 'token', name: 'the access token' },
  /** What a dispatcher shows to a dialled runner. */
  runner: { file: 'runner-token', name: 'the runner token' },
}

export type OwnTokenKind = keyof typeof NAMES

export function ownTokenPath(folder: string, kind: OwnTokenKind): string {
  return join(folder, NAMES[kind].file)
}

/** The token that lies there, if any. Throws `invalid` when others may read it, or it can't be read. */
export function readOwnToken(folder: string, kind: OwnTokenKind): string | undefined {
  return readPrivately(ownTokenPath(folder, kind), NAMES[kind])?.trim() || undefined
}
