import { link, rename } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Doer } from '../../core/audit/audit.ts'
import { hasCode, NarwhalError } from '../../lib/errors.ts'
import { exists } from '../../lib/exists.ts'
import { migrate } from '../migrations/migrate.ts'
import { leapAhead } from '../sql/leap-ahead.ts'
import { type Contents, copyDatabase } from './copy-database.ts'
import { openSqlite } from './open-sqlite.ts'
import { makeWhole } from './part-file.ts'
import { isBusy } from './sqlite-errors.ts'

export interface Restored {
  /** Of the backup. */
  readonly contents: Contents
  /** Where the replaced database was moved; absent if there was none. */
  readonly aside?: string
}

/**
 * Replaces a database that is not in use by a backup, made safe to use (`leapAhead`). The existing one
 * stays in place until the new one is complete and on disk, and is then kept next to it. Rejects with
 * `not_found` if there is no backup, `invalid` if it is something else, damaged or from a newer
 * Narwhal, `conflict` if the database is in use, or exists and must not be replaced, `exhausted` if
 * the disk is full, and `cancelled`; none of them changes anything.
 */
export async function restoreSqlite(
  backup: string,
  database: string,
  options: { replace: boolean; signal: AbortSignal; by: Doer },
): Promise<Restored> {
  if (!(await exists(backup)))
    throw new NarwhalError('not_found', `the backup ${backup} does not exist`)
  using unused = (await exists(database)) ? holdUnused(database) : undefined
  if (unused && !options.replace) {
    const message = `the database ${database} exists; with --force it is kept next to the restored one`
    throw new NarwhalError('conflict', message)
  }
  const { signal } = options
  return await makeWhole(database, async (part) => {
    const contents = await copyDatabase(backup, part, { check: 'full', signal })
    await prepare(part, options.by)
    if (!unused) return { contents }
    return { contents, aside: await keepAside(database) }
  })
}

/** Closing it checkpoints the write-ahead log. */
async function prepare(part: string, by: Doer): Promise<void> {
  await using engine = await openSqlite(part)
  await migrate(engine.writing)
  await leapAhead(engine.writing, by)
}

/**
 * Makes sure that no process has the database open, and keeps it that way: leaving WAL mode requires
 * the only connection, and checkpoints the log. A database too damaged for that is not in use.
 */
function holdUnused(path: string): Disposable {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = DELETE')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    if (isBusy(error)) {
      database.close()
      const message = `${path} is in use by a Narwhal process: stop it first`
      throw new NarwhalError('conflict', message, { cause: error })
    }
  }
  return database
}

/**
 * Returns where it is kept. A hard link leaves its name in place until the rename replaces it, so that
 * there is a database at all times.
 */
async function keepAside(path: string): Promise<string> {
  const aside = await linkAside(path)
  // Only a damaged one has them; SQLite would apply them to the restored one.
  for (const companion of ['-wal', '-shm', '-journal']) {
    if (await exists(`${path}${companion}`))
      await rename(`${path}${companion}`, `${aside}${companion}`)
  }
  return aside
}

/** Named after the time, with a counter if taken. */
async function linkAside(path: string): Promise<string> {
  const moment = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  for (let count = 1; ; count++) {
    const aside = `${path}.before-${moment}${count === 1 ? '' : `-${count}`}`
    try {
      await link(path, aside)
      return aside
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
  }
}
