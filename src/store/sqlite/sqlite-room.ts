import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { DatabaseRoom } from '../../core/database-room.ts'
import type { Db } from '../sql/tables.ts'

/** So many pages of 4 KiB are given back in one step; less than this is not worth it. */
const STEP_PAGES = 128

async function ask(db: Db, pragma: string): Promise<number> {
  const { rows } = await sql<Record<string, number>>`${sql.raw(`pragma ${pragma}`)}`.execute(db)
  return Number(Object.values(rows[0] ?? {})[0] ?? 0)
}

/** What the file takes, has free inside, and what its disk has left. */
export async function sqliteRoom(db: Db, path: string): Promise<DatabaseRoom> {
  const pageBytes = await ask(db, 'page_size')
  const usedBytes = pageBytes * (await ask(db, 'page_count'))
  const freeInsideBytes = pageBytes * (await ask(db, 'freelist_count'))
  // What a process that is not root may still write.
  const { bavail, bsize } = await statfs(dirname(path))
  return { usedBytes, freeInsideBytes, freeOutsideBytes: bavail * bsize }
}

/**
 * Cuts some free pages off the file. A database that was made before Narwhal did so has to be rewritten
 * once for that (see the manual); until then its free pages are only used again.
 */
export async function giveBackPages(
  db: Db,
  execute: (statement: string) => Promise<void>,
): Promise<boolean> {
  const INCREMENTAL = 2
  if ((await ask(db, 'auto_vacuum')) !== INCREMENTAL) return false
  const before = await ask(db, 'freelist_count')
  if (before < STEP_PAGES) return false
  // Run as a statement with no rows it is stepped once, which frees one page: `exec` goes on to its end.
  await db.connection().execute(async () => {
    await execute(`pragma incremental_vacuum(${STEP_PAGES})`)
    // What has moved goes from the log of changes into the file at once: left to itself it would go eight
    // megabytes at a time, in one step that takes ten times as long.
    await execute('pragma wal_checkpoint(passive)')
  })
  return (await ask(db, 'freelist_count')) < before
}

/**
 * Brings the log of changes into the file and cuts it to nothing: former states of pages stand in it, also of those
 * that were overwritten. False where readers of older states have kept it from that for a second.
 */
export async function emptyLog(db: Db): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    if ((await ask(db, 'wal_checkpoint(truncate)')) === 0) return true
    await sleep(50)
  }
  return false
}
