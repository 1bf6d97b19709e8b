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
  /** Where the database that was there is now; absent when there was none. */
  readonly aside?: string
}

/**
 * Puts a backup in the place of a database that nobody uses, ready to go on with (`leapAhead`). The
 * one that was there stays until the new one is whole and on the disk; then it is kept beside it.
 * Rejects with `not_found` when there is no backup, `invalid` when it is something else, damaged or
 * a newer Narwhal's, `conflict` when the database is in use, or there and not to be replaced,
 * `exhausted` when there is no room, and `cancelled`; then all is as it was.
 */
export async function restoreSqlite(
  backup: string,
  database: string,
  options: { replace: boolean; signal: AbortSignal; by: Doer },
): Promise<Restored> {
  if (!(await exists(backup))) throw new NarwhalError('not_found', `there is no file ${backup}`)
  using unused = (await exists(database)) ? holdUnused(database) : undefined
  if (unused && !options.replace) {
    const words = `there is a database ${database}; with --force it is kept beside the restored one`
    throw new NarwhalError('conflict', words)
  }
  const { signal } = options
  return await makeWhole(database, async (part) => {
    const contents = await copyDatabase(backup, part, { check: 'full', signal })
    await prepare(part, options.by)
    if (!unused) return { contents }
    return { contents, aside: await keepAside(database) }
  })
}

/** What it writes to the log of changes is in the file itself once it is closed. */
async function prepare(part: string, by: Doer): Promise<void> {
  await using engine = await openSqlite(part)
  await migrate(engine.writing)
  await leapAhead(engine.writing, by)
}

/**
 * Makes sure that no process has the database open, and keeps it that way: leaving the log of
 * changes needs the only connection, and folds the log into the file. One that is too damaged for
 * that is in use by nobody.
 */
function holdUnused(path: string): Disposable {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = DELETE')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    if (isBusy(error)) {
      database.close()
      const words = `a process of Narwhal uses ${path}: stop it first`
      throw new NarwhalError('conflict', words, { cause: error })
    }
  }
  return database
}

/**
 * Returns where it is kept. Its own name stays taken until another file takes it, so that at no moment there is no
 * database.
 */
async function keepAside(path: string): Promise<string> {
  const aside = await linkAside(path)
  // Only of a damaged one; beside the restored one they would be taken for its own.
  for (const companion of ['-wal', '-shm', '-journal']) {
    if (await exists(`${path}${companion}`))
      await rename(`${path}${companion}`, `${aside}${companion}`)
  }
  return aside
}

/** Named after the moment; of several within a second the later ones are counted. */
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
