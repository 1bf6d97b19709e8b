import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import { NarwhalError } from '../../lib/errors.ts'
import { storableText } from '../sql/text.ts'
import { isBusy, sqliteError } from './sqlite-errors.ts'

const MAX_STATEMENTS = 300

interface Prepared {
  readonly statement: StatementSync
  readonly returnsRows: boolean
}

/** A kysely connection over node:sqlite, whose calls are synchronous. */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync
  readonly #busyTimeoutMs: number
  /** By SQL, least recently used first. */
  readonly #prepared = new Map<string, Prepared>()

  /** `busyTimeoutMs`: how long to wait for another process's transaction. */
  constructor(database: DatabaseSync, busyTimeoutMs = 10_000) {
    this.#database = database
    this.#busyTimeoutMs = busyTimeoutMs
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.whenFree(() => this.#run<Row>(query))
  }

  /** Starts, commits or rolls back. */
  async execute(statement: string): Promise<void> {
    await this.whenFree(() => this.#database.exec(statement))
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction
  }

  // oxlint-disable-next-line require-yield
  async *streamQuery(): AsyncGenerator<never> {
    throw new NarwhalError('internal', 'streaming queries is not supported')
  }

  close(): void {
    this.#prepared.clear()
    this.#database.close()
  }

  /**
   * Waits for a lock without blocking the process, as SQLite's own timeout would: the lock's owner may
   * be another store in this process.
   */
  async whenFree<Result>(act: () => Result): Promise<Result> {
    const deadline = performance.now() + this.#busyTimeoutMs
    for (;;) {
      try {
        return act()
      } catch (error) {
        const mayWait = isBusy(error) && !this.#database.isTransaction
        if (!mayWait || performance.now() > deadline) throw sqliteError(error)
      }
      await sleep(1 + Math.random() * 9)
    }
  }

  #run<Row>({ sql, parameters }: CompiledQuery): QueryResult<Row> {
    const { statement, returnsRows } = this.#prepare(sql)
    const values = parameters.map(storable)
    if (returnsRows) return { rows: statement.all(...values) as Row[] }
    const { changes } = statement.run(...values)
    return { rows: [], numAffectedRows: BigInt(changes) }
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#prepared.get(sql)
    if (prepared) {
      this.#prepared.delete(sql)
    } else {
      const statement = this.#database.prepare(sql)
      prepared = { statement, returnsRows: statement.columns().length > 0 }
      const [oldest] = this.#prepared.keys()
      if (oldest !== undefined && this.#prepared.size >= MAX_STATEMENTS) {
        this.#prepared.delete(oldest)
      }
    }
    this.#prepared.set(sql, prepared)
    return prepared
  }
}

function storable(value: unknown): SQLInputValue {
  return typeof value === 'string' ? storableText(value) : (value as SQLInputValue)
}
