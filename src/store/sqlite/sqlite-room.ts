import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { DatabaseRoom } from '../../core/database-room.ts'
import type { Db } from '../sql/tables.ts'

/** Pages of 4 KiB freed in one step; fewer are not worth it. */
const STEP_PAGES = 128

async function ask(db: Db, pragma: string): Promise<number> {
  const { rows } = await sql<Record<string, number>>`${sql.raw(`pragma ${pragma}`)}`.execute(db)
  return Number(Object.values(rows[0] ?? {})[0] ?? 0)
}

/** The file's size, the free space in it, and that of its disk. */
export async function sqliteRoom(db: Db, path: string): Promise<DatabaseRoom> {
  const pageBytes = await ask(db, 'page_size')
  const usedBytes = pageBytes * (await ask(db, 'page_count'))
  const freeInsideBytes = pageBytes * (await ask(db, 'freelist_count'))
  // Available to processes that are not root.
  const { bavail, bsize } = await statfs(dirname(path))
  return { usedBytes, freeInsideBytes, freeOutsideBytes: bavail * bsize }
}

/**
 * Truncates some free pages of the file. A database created by an earlier version has to be rewritten
 * once for that (see the manual); until then its free pages are only reused.
 */
export async function giveBackPages(
  db: Db,
  execute: (statement: string) => Promise<void>,
): Promise<boolean> {
  const INCREMENTAL = 2
  if ((await ask(db, 'auto_vacuum')) !== INCREMENTAL) return false
  const before = await ask(db, 'freelist_count')
  if (before < STEP_PAGES) return false
  // A prepared statement without rows is stepped once, which frees one page; `exec` runs it to its end.
  await db.connection().execute(async () => {
    await execute(`pragma incremental_vacuum(${STEP_PAGES})`)
    // Checkpoints the moved pages at once: an automatic checkpoint of eight megabytes would take ten
    // times as long.
    await execute('pragma wal_checkpoint(passive)')
  })
  return (await ask(db, 'freelist_count')) < before
}

/**
 * Checkpoints and truncates the write-ahead log, which has previous versions of overwritten pages. False
 * if readers of older snapshots have prevented that for a second.
 */
export async function emptyLog(db: Db): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    if ((await ask(db, 'wal_checkpoint(truncate)')) === 0) return true
    await sleep(50)
  }
  return false
}
