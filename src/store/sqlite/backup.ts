import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { exists } from '../../lib/exists.ts'
import { type Contents, copyDatabase } from './copy-database.ts'
import { makeWhole } from './part-file.ts'

/**
 * Writes a verified copy of the database, which may be in use, to a new file. The file appears only
 * when it is complete and on disk; it then has everything acknowledged before the call. Rejects with
 * `not_found` if there is no database, `conflict` if the file exists, `invalid` if the folder does not
 * exist or the database is damaged, `exhausted` if the disk is full, and `cancelled`; none of them
 * leaves anything behind.
 */
export async function backupSqlite(
  database: string,
  file: string,
  signal: AbortSignal,
): Promise<Contents> {
  if (!(await exists(database))) {
    throw new NarwhalError(
      'not_found',
      `the database ${database} does not exist; give its folder by --data`,
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
    const message = `can't write to ${folder}: ${describeError(cause)}`
    throw new NarwhalError('invalid', message, { cause })
  }
  throw new NarwhalError('invalid', `${folder} is not a folder`)
}

/** An older backup is never overwritten. */
async function requireFree(file: string): Promise<void> {
  if (!(await exists(file))) return
  throw new NarwhalError('conflict', `${file} already exists; choose another name for the backup`)
}
