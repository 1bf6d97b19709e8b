import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { Pool, type PoolClient, types } from 'pg'
import type { Logger } from '../../lib/log.ts'
import { storableText } from '../sql/text.ts'
import { isConnectionLost, postgresError } from './postgres-errors.ts'

export interface PoolOptions {
  readonly url: string
  readonly size: number
}

const INT8 = 20

/** A pool of connections for kysely, with errors of the port and storable text. */
export function openPool(options: PoolOptions, log: Logger): PostgresPool {
  const pool = new Pool({
    connectionString: options.url,
    max: options.size,
    application_name: 'narwhal',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    // A process frozen in a transaction would keep its locks.
    idle_in_transaction_session_timeout: 5_000,
    statement_timeout: 30_000,
    // For a server that does not even report the statement's timeout.
    query_timeout: 40_000,
    keepAlive: true,
    types: { getTypeParser },
  })
  const lost = (err: Error) => log.warn({ err }, 'connection to PostgreSQL lost')
  pool.on('error', lost)
  // Between two statements a client in use has no other error listener.
  pool.on('connect', (client) => client.on('error', () => {}))
  const clients = new WeakMap<PoolClient, PostgresPoolClient>()
  return {
    options: {},
    async connect() {
      try {
        const client = await pool.connect()
        const wrapped = clients.get(client) ?? wrapClient(client)
        clients.set(client, wrapped)
        return wrapped
      } catch (error) {
        throw postgresError(error)
      }
    },
    end: () => pool.end(),
  }
}

/** Kysely identifies a connection by its object, so each has one wrapper. */
function wrapClient(client: PoolClient): PostgresPoolClient {
  let isLost = false
  const query = async <Row>(sql: string, parameters: readonly unknown[] = []) => {
    try {
      const answer = await client.query(sql, parameters.map(storable))
      return answer as unknown as PostgresQueryResult<Row>
    } catch (error) {
      isLost ||= isConnectionLost(error)
      throw postgresError(error)
    }
  }
  return {
    // No cursors: the store doesn't stream queries.
    query: query as PostgresPoolClient['query'],
    release: (destroy) => client.release(isLost || destroy === true),
  }
}

function storable(value: unknown): unknown {
  return typeof value === 'string' ? storableText(value) : value
}

/** 64-bit integers are parsed as numbers: all of them are below 2^53. */
const getTypeParser: typeof types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 && format !== 'binary' ? Number : types.getTypeParser(oid, format as 'text')
