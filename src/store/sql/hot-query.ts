import type { CompiledQuery, QueryResult } from 'kysely'
import { isPostgres } from './rows.ts'
import type { Db } from './tables.ts'

/** A placeholder for a value while a statement is compiled. */
class Placeholder {
  readonly key: PropertyKey

  constructor(key: PropertyKey) {
    this.key = key
  }
}

const PLACEHOLDERS = new Proxy({}, { get: (_target, key) => new Placeholder(key) })

/**
 * A statement of the hot path, which is built and compiled once for each kind of database and then
 * reused with other values. `build` gets placeholders: it may pass them on as values but not inspect
 * them. No value may be undefined.
 */
export function hotQuery<Values extends object, Row = never>(
  build: (db: Db, values: Values) => { compile(): CompiledQuery<Row> },
): (db: Db, values: Values) => Promise<QueryResult<Row>> {
  const compiled = new Map<boolean, CompiledQuery<Row>>()
  return (db, values) => {
    const kind = isPostgres(db)
    let query = compiled.get(kind)
    if (!query) {
      query = build(db, PLACEHOLDERS as Values).compile()
      compiled.set(kind, query)
    }
    const parameters = query.parameters.map((value) =>
      value instanceof Placeholder ? values[value.key as keyof Values] : value,
    )
    return db.executeQuery({ ...query, parameters })
  }
}
