import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Engine } from '../sql/sql-store.ts'
import type { Tables } from '../sql/tables.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { SqliteDialect } from './sqlite-dialect.ts'
import { resultCode, sqliteError } from './sqlite-errors.ts'
import { emptyLog, giveBackPages, sqliteRoom } from './sqlite-room.ts'

/** Marks the file as Narwhal's: "Narw". */
export const APPLICATION_ID = 0x4e617277
const NOT_A_DATABASE = 26

/**
 * Opens the file, which is created (with its folder, for its owner only) if missing. One connection
 * writes, and reads within transactions; another only reads, from snapshots. Writes to a `fleeting`
 * one may be lost when the machine crashes. Rejects with `invalid` if the file can't be opened or is
 * something else.
 */
export async function openSqlite(path: string, fleeting = false): Promise<Engine> {
  makeFile(path)
  // The writer waits in SqliteConnection.whenFree instead. A reader waits only while another process
  // recovers from a crash.
  const writer = await openConnection(path, { timeout: 0 }, async (connection, database) => {
    // Takes effect in an empty database only; otherwise the whole file would have to be rewritten.
    await connection.whenFree(() => database.exec('PRAGMA auto_vacuum = INCREMENTAL'))
    await connection.whenFree(() => claim(path, database))
    await connection.whenFree(() => useWal(path, database))
    database.exec(`PRAGMA synchronous = ${fleeting ? 'OFF' : 'FULL'}`)
    database.exec('PRAGMA journal_size_limit = 67108864')
    // In pages of 4 KiB: rarely while a large log is written, and short enough not to delay webhooks.
    database.exec('PRAGMA wal_autocheckpoint = 2000')
  })
  let reader: SqliteConnection
  try {
    reader = await openConnection(path, { timeout: 5000, readOnly: true })
  } catch (error) {
    writer.close()
    throw error
  }
  const writing = new Kysely<Tables>({ dialect: new SqliteDialect(writer, 'begin immediate') })
  const reading = new Kysely<Tables>({ dialect: new SqliteDialect(reader, 'begin') })
  // Kysely closes only what it has used.
  await Promise.all([writing, reading].map((db) => db.connection().execute(async () => {})))
  return {
    writing,
    reading,
    room: () => sqliteRoom(writing, path),
    giveBack: () => giveBackPages(writing, (statement) => writer.execute(statement)),
    wipe: () => emptyLog(writing),
    [Symbol.asyncDispose]: async () => {
      await reading.destroy()
      // Closing the last connection checkpoints the write-ahead log.
      await writing.destroy()
    },
  }
}

function makeFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    const message = `can't write the database ${path}: ${describeError(error)}`
    throw new NarwhalError('invalid', message, { cause: error })
  }
}

async function openConnection(
  path: string,
  options: { timeout: number; readOnly?: boolean },
  prepare?: (connection: SqliteConnection, database: DatabaseSync) => Promise<void>,
): Promise<SqliteConnection> {
  let connection: SqliteConnection | undefined
  try {
    const database = new DatabaseSync(path, { ...options, enableForeignKeyConstraints: true })
    connection = new SqliteConnection(database)
    database.exec('PRAGMA trusted_schema = OFF')
    await prepare?.(connection, database)
    return connection
  } catch (error) {
    connection?.close()
    throw openError(path, error)
  }
}

function openError(path: string, error: unknown): NarwhalError {
  const known = sqliteError(error)
  const cause = known.cause ?? error
  if (resultCode(cause) === NOT_A_DATABASE) return foreignFile(path, cause)
  if (known.code === 'invalid') return known
  const message = `can't open the database ${path}: ${known.message}`
  return new NarwhalError(known.code, message, { cause })
}

function foreignFile(path: string, cause?: unknown): NarwhalError {
  return new NarwhalError(
    'invalid',
    `${path} is not a Narwhal database; choose another file, or move this one away`,
    { cause },
  )
}

/** Rejects a database of another program. */
function claim(path: string, database: DatabaseSync): void {
  const id = database.prepare('PRAGMA application_id').get()?.['application_id']
  if (id === APPLICATION_ID) return
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count']
  if (id !== 0 || tables !== 0) throw foreignFile(path)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
}

/** Only with a write-ahead log don't readers and the writer wait for each other. */
function useWal(path: string, database: DatabaseSync): void {
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode === 'wal') return
  throw new NarwhalError(
    'invalid',
    `the database ${path} can't use a write-ahead log (on a network file system?); put it on a local disk`,
  )
}
