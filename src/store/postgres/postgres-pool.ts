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

/** Connections to PostgreSQL as kysely uses them, with errors of the port and storable text. */
export function openPool(options: PoolOptions, log: Logger): PostgresPool {
  const pool = new Pool({
    connectionString: options.url,
    max: options.size,
    application_name: 'narwhal',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    // Whoever is stopped in the middle of a transaction has rows locked that all others need.
    idle_in_transaction_session_timeout: 5_000,
    statement_timeout: 30_000,
    // For a server that does not even say that the statement took too long.
    query_timeout: 40_000,
    keepAlive: true,
    types: { getTypeParser },
  })
  const lost = (err: Error) => log.warn({ err }, 'a connection to PostgreSQL was lost')
  pool.on('error', lost)
  // One that is in use but between two statements has nobody else who listens.
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

/** Kysely knows a connection by its object, so each has one wrapper. */
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
    // No cursors: the store streams no queries.
    query: query as PostgresPoolClient['query'],
    release: (destroy) => client.release(isLost || destroy === true),
  }
}

function storable(value: unknown): unknown {
  return typeof value === 'string' ? storableText(value) : value
}

/** Whole numbers of 64 bits are numbers here, as everywhere in the domain: all are below 2^53. */
const getTypeParser: typeof types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === INT8 && format !== 'binary' ? Number : types.getTypeParser(oid, format as 'text')
