import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { exists } from '../../lib/exists.ts'
import { type Contents, copyDatabase } from './copy-database.ts'
import { makeWhole } from './part-file.ts'

/**
 * Writes a checked copy of the database, which may be in use, to a new file. The file is there only
 * when it is whole and on the disk; then it holds all that was acknowledged before the call. Rejects
 * with `not_found` when there is no database, `conflict` when there is a file of that name,
 * `invalid` when there is no such folder or the database is damaged, `exhausted` when there is no
 * room, and `cancelled`; none of them leaves anything behind.
 */
export async function backupSqlite(
  database: string,
  file: string,
  signal: AbortSignal,
): Promise<Contents> {
  if (!(await exists(database))) {
    throw new NarwhalError(
      'not_found',
      `there is no database ${database}; name its folder by --data`,
    )
  }
  await requireFolder(dirname(file))
  await requireFree(file)
  return await makeWhole(file, async (part) => {
    const contents = await copyDatabase(database, part, { check: 'quick', signal })
    await requireFree(file)
    return contents
  })
}

async function requireFolder(folder: string): Promise<void> {
  try {
    if ((await stat(folder)).isDirectory()) return
  } catch (cause) {
    const message = `nothing can be written to ${folder}: ${describeError(cause)}`
    throw new NarwhalError('invalid', message, { cause })
  }
  throw new NarwhalError('invalid', `${folder} is not a folder`)
}

/** An older backup is worth more than the space that it takes: it is never written over. */
async function requireFree(file: string): Promise<void> {
  if (!(await exists(file))) return
  throw new NarwhalError('conflict', `${file} is there already; choose another name for the backup`)
}
