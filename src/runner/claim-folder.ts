import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeError, hasCode, NarwhalError } from '../lib/errors.ts'

const BUSY = 5

/**
 * Makes sure that no other runner works in the folder: it would remove our workspaces. The claim is
 * the lock of a small database in the folder itself, which nobody can take who doesn't get in there,
 * and which the kernel takes back when the process ends, however it ends. Nothing else in this process
 * may open the file: the lock would go as soon as it closed it. Rejects with `conflict` when the
 * folder is taken.
 */
export async function claimFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, 'claim.db')
  let database: DatabaseSync | undefined
  try {
    makePrivately(path)
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    const words = isBusy(cause)
      ? `another runner works in ${folder}: give each its own`
      : `${path} can't be locked, which keeps other runners out: ${describeError(cause)}`
    throw new NarwhalError(isBusy(cause) ? 'conflict' : 'invalid', words, { cause })
  }
  const claimed = database
  return { [Symbol.asyncDispose]: async () => claimed.close() }
}

/** Who can read it can hold a lock of it, too. */
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
