import type { CompiledQuery, QueryResult } from 'kysely'
import { isPostgres } from './rows.ts'
import type { Db } from './tables.ts'

/** Stands for a value while a statement is compiled. */
class Place {
  readonly key: PropertyKey

  constructor(key: PropertyKey) {
    this.key = key
  }
}

const PLACES = new Proxy({}, { get: (_target, key) => new Place(key) })

/**
 * A statement of the hot path, built and compiled by its first use with each of the databases, and from
 * then on only given its values. `build` gets stand-ins for them: it may put each of them where a value
 * goes, and must not look at one. No value may be undefined.
 */
export function hotQuery<Values extends object, Row = never>(
  build: (db: Db, values: Values) => { compile(): CompiledQuery<Row> },
): (db: Db, values: Values) => Promise<QueryResult<Row>> {
  const compiled = new Map<boolean, CompiledQuery<Row>>()
  return (db, values) => {
    const kind = isPostgres(db)
    let query = compiled.get(kind)
    if (!query) {
      query = build(db, PLACES as Values).compile()
      compiled.set(kind, query)
    }
    const parameters = query.parameters.map((value) =>
      value instanceof Place ? values[value.key as keyof Values] : value,
    )
    return db.executeQuery({ ...query, parameters })
  }
}
