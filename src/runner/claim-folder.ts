import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeError, hasCode, NarwhalError } from '../lib/errors.ts'

const BUSY = 5

/**
 * Ensures that no other runner uses the folder: it would remove our workspaces. The claim is the lock
 * of a small database in the folder itself: only who has access to the folder can take it, and the
 * kernel releases it however the process ends. Nothing else in this process may open the file, since
 * closing it would release the lock. Rejects with `conflict` if the folder is claimed.
 */
export async function claimFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, 'claim.db')
  let database: DatabaseSync | undefined
  try {
    makePrivately(path)
    database = new DatabaseSync(path, { timeout: 0 })
    // Without a file for the journal nothing is written, so that a full disk is no reason not to start.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    const message = isBusy(cause)
      ? `another runner uses ${folder}: give each runner its own folder`
      : `can't lock ${path}, which keeps other runners out: ${describeError(cause)}`
    throw new NarwhalError(isBusy(cause) ? 'conflict' : 'invalid', message, { cause })
  }
  const claimed = database
  return { [Symbol.asyncDispose]: async () => claimed.close() }
}

/** Anyone who can read it could also lock it. */
function makePrivately(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === BUSY
}
