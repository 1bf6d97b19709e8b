import { backup, DatabaseSync } from 'node:sqlite'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { APPLICATION_ID } from './open-sqlite.ts'
import { resultCode } from './sqlite-errors.ts'

/** What a copy of a database holds. */
export interface Contents {
  /** The number of the newest state change: it holds all up to this one, and nothing after it. */
  readonly lastChange: number
  readonly repositories: number
  readonly events: number
  readonly pipelines: number
  /** Those of the pipelines that have not ended. */
  readonly openPipelines: number
  readonly jobs: number
  readonly bytes: number
}

const PAGES_AT_A_TIME = 1000

const FULL = 13
const CORRUPT = 11
const NOT_A_DATABASE = 26

/**
 * Copies Narwhal's database `from`, which may be in use and written to, over the file `to`: as it is
 * at one moment after the call, with all that was committed before. The copy is one file, without a
 * log of changes beside it, and is checked: `quick` leaves out whether indexes have all rows.
 * Rejects with `invalid` when `from` is something else or damaged, `exhausted` when there is no room
 * for the copy, and `cancelled`.
 */
export async function copyDatabase(
  from: string,
  to: string,
  options: { check: 'quick' | 'full'; signal: AbortSignal },
): Promise<Contents> {
  try {
    const contents = await copySnapshot(from, to, options.signal)
    return { ...contents, bytes: checkCopy(from, to, options.check) }
  } catch (error) {
    throw copyError(error, { from, to })
  }
}

/**
 * From within one read transaction: without it, each write meanwhile would make SQLite begin anew,
 * and under load it would never end. Nobody waits for it, but the log of changes can't be folded
 * into the database until it has ended.
 */
async function copySnapshot(
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<Omit<Contents, 'bytes'>> {
  using source = new DatabaseSync(from, { readOnly: true, timeout: 10_000 })
  source.exec('PRAGMA trusted_schema = OFF')
  const id = source.prepare('PRAGMA application_id').get()?.['application_id']
  if (id !== APPLICATION_ID) throw notNarwhals(from)
  source.exec('BEGIN')
  const contents = readContents(source)
  await backup(source, to, {
    rate: PAGES_AT_A_TIME,
    progress: () => signal.throwIfAborted(),
  })
  signal.throwIfAborted()
  return contents
}

function readContents(database: DatabaseSync): Omit<Contents, 'bytes'> {
  const row = database
    .prepare(
      `SELECT (SELECT last FROM change_counter) AS lastChange,
        (SELECT count(*) FROM repositories WHERE removed_at IS NULL) AS repositories,
        (SELECT count(*) FROM commit_events) AS events,
        (SELECT count(*) FROM pipelines) AS pipelines,
        (SELECT count(*) FROM pipelines WHERE status <> 'finished') AS openPipelines,
        (SELECT count(*) FROM jobs) AS jobs`,
    )
    .get()
  return { ...row } as Omit<Contents, 'bytes'>
}

/** Returns its size. */
function checkCopy(from: string, to: string, check: 'quick' | 'full'): number {
  using copy = new DatabaseSync(to)
  copy.exec('PRAGMA journal_mode = DELETE')
  const pragma = check === 'quick' ? 'quick_check' : 'integrity_check'
  const [first] = Object.values(copy.prepare(`PRAGMA ${pragma}(1)`).get() ?? {})
  if (first !== 'ok') throw new NarwhalError('invalid', `${from} is damaged: ${String(first)}`)
  const pages = Number(copy.prepare('PRAGMA page_count').get()?.['page_count'])
  return pages * Number(copy.prepare('PRAGMA page_size').get()?.['page_size'])
}

function copyError(error: unknown, { from, to }: { from: string; to: string }): NarwhalError {
  const code = resultCode(error)
  const cause = { cause: error }
  if (code === undefined) return NarwhalError.from(error)
  const reason = describeError(error)
  switch (code & 0xff) {
    case FULL:
      return new NarwhalError('exhausted', `there is no room for ${to}: the disk is full`, cause)
    case NOT_A_DATABASE:
      return notNarwhals(from, error)
    case CORRUPT:
      return new NarwhalError('invalid', `${from} is damaged: ${reason}`, cause)
    default:
      return new NarwhalError('unavailable', `${from} can't be copied to ${to}: ${reason}`, cause)
  }
}

function notNarwhals(path: string, cause?: unknown): NarwhalError {
  return new NarwhalError('invalid', `${path} is not a database of Narwhal`, { cause })
}
