import { Kysely, PostgresDialect, sql } from 'kysely'
import type { DatabaseRoom } from '../../core/database-room.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { TlsFiles } from '../../lib/tls/tls-files.ts'
import type { Engine } from '../sql/sql-store.ts'
import type { Tables } from '../sql/tables.ts'
import { isMisconfigured } from './postgres-errors.ts'
import { openPool, type PoolOptions } from './postgres-pool.ts'

const OLDEST_VERSION = 150_000

/**
 * Connects to the server. Rejects with `unavailable` if it can't be reached, and with `invalid` if
 * retrying is useless: a wrong password or database, too old, not UTF-8.
 */
export async function openPostgres(options: PoolOptions, log: Logger): Promise<Engine> {
  requireTlsFiles(options.url, log)
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: openPool(options, log) }) })
  try {
    await requireFit(db)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return {
    writing: db,
    reading: db,
    room: () => postgresRoom(db),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}

/** PostgreSQL reports neither the free space of its disk nor that inside the database. */
async function postgresRoom(db: Kysely<Tables>): Promise<DatabaseRoom> {
  const { rows } = await sql<{ bytes: number; dead: number }>`
    select pg_database_size(current_database()) as bytes,
      (select coalesce(sum(n_dead_tup), 0) from pg_stat_user_tables) as dead`.execute(db)
  const { bytes = 0, dead = 0 } = rows[0] ?? {}
  return { usedBytes: Number(bytes), freeInsideBytes: 0, deadRows: Number(dead) }
}

const TLS_NAMES = {
  ca: 'sslrootcert',
  cert: 'sslcert',
  key: 'sslkey',
  clientCa: 'sslrootcert',
}

/** Checks the TLS files in the URL, which pg reads only at each connection. */
function requireTlsFiles(url: string, log: Logger): void {
  if (!URL.canParse(url)) return
  const { searchParams } = new URL(url)
  const find = (name: string): string | undefined => searchParams.get(name) ?? undefined
  const paths = { ca: find(TLS_NAMES.ca), cert: find(TLS_NAMES.cert), key: find(TLS_NAMES.key) }
  TlsFiles.open(paths, log, { names: TLS_NAMES })[Symbol.dispose]()
}

async function requireFit(db: Kysely<Tables>): Promise<void> {
  const settings = await askSettings(db)
  if (Number(settings.number) < OLDEST_VERSION) {
    throw new NarwhalError(
      'invalid',
      `PostgreSQL 15 or newer is required; this is ${settings.version}`,
    )
  }
  if (settings.encoding !== 'UTF8') {
    const message = `the database must have the encoding UTF8; this one has ${settings.encoding}`
    throw new NarwhalError('invalid', message)
  }
}

async function askSettings(db: Kysely<Tables>) {
  try {
    const { rows } = await sql<{ number: string; version: string; encoding: string }>`
      select current_setting('server_version_num') as number,
        current_setting('server_version') as version,
        current_setting('server_encoding') as encoding`.execute(db)
    return rows[0] ?? { number: '0', version: 'unknown', encoding: 'unknown' }
  } catch (error) {
    if (!(error instanceof NarwhalError) || !isMisconfigured(error.cause)) throw error
    throw new NarwhalError('invalid', error.message, { cause: error.cause })
  }
}

/** The server and database in a URL, without user, password and parameters. */
export function describeUrl(url: string): string {
  if (!URL.canParse(url)) throw new NarwhalError('invalid', 'the URL of PostgreSQL is not a URL')
  const { host, pathname } = new URL(url)
  return `${host || 'local socket'}${pathname}`
}
