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
 * Opens the file, which is made (with its folder, for its owner only) where it is missing. One
 * connection writes, and reads its own writes in a transaction; another one only reads, from
 * snapshots. What is written to a `fleeting` one need not outlive a crash of the machine. Rejects with
 * `invalid` when the file can't be had or is something else.
 */
export async function openSqlite(path: string, fleeting = false): Promise<Engine> {
  makeFile(path)
  // No time-out of its own for the writer: see SqliteConnection.whenFree. A reader waits only while
  // another process recovers from a crash.
  const writer = await openConnection(path, { timeout: 0 }, async (connection, database) => {
    // Only a database that is empty takes it; another way round the whole file would be written anew.
    await connection.whenFree(() => database.exec('PRAGMA auto_vacuum = INCREMENTAL'))
    await connection.whenFree(() => claim(path, database))
    await connection.whenFree(() => useWal(path, database))
    database.exec(`PRAGMA synchronous = ${fleeting ? 'OFF' : 'FULL'}`)
    database.exec('PRAGMA journal_size_limit = 67108864')
    // In pages of 4 KiB: seldom while a log of many megabytes comes, and never for so long that webhooks wait.
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
      // The last one to close folds the log of changes into the file.
      await writing.destroy()
    },
  }
}

function makeFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    const message = `the database ${path} can't be written: ${describeError(error)}`
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
  const told = sqliteError(error)
  const origin = told.cause ?? error
  if (resultCode(origin) === NOT_A_DATABASE) return foreignFile(path, origin)
  if (told.code === 'invalid') return told
  const message = `the database ${path} can't be opened: ${told.message}`
  return new NarwhalError(told.code, message, { cause: origin })
}

function foreignFile(path: string, cause?: unknown): NarwhalError {
  return new NarwhalError(
    'invalid',
    `${path} is not a database of Narwhal; name another file, or move this one away`,
    { cause },
  )
}

/** Refuses a database that another program made. */
function claim(path: string, database: DatabaseSync): void {
  const id = database.prepare('PRAGMA application_id').get()?.['application_id']
  if (id === APPLICATION_ID) return
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count']
  if (id !== 0 || tables !== 0) throw foreignFile(path)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
}

/** Readers and the writer don't wait for each other only with a write-ahead log. */
function useWal(path: string, database: DatabaseSync): void {
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode === 'wal') return
  throw new NarwhalError(
    'invalid',
    `the database ${path} can't use a write-ahead log there (a network file system?); put it on a local disk`,
  )
}
