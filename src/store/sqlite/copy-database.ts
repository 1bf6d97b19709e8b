import { backup, DatabaseSync } from 'node:sqlite'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { APPLICATION_ID } from './open-sqlite.ts'
import { resultCode } from './sqlite-errors.ts'

/** The contents of a copy of a database. */
export interface Contents {
  /** The number of the newest state change: the copy has everything up to it, and nothing after it. */
  readonly lastChange: number
  readonly repositories: number
  readonly events: number
  readonly pipelines: number
  /** The pipelines that have not ended. */
  readonly openPipelines: number
  readonly jobs: number
  readonly bytes: number
}

const PAGES_AT_A_TIME = 1000

const FULL = 13
const CORRUPT = 11
const NOT_A_DATABASE = 26

/**
 * Copies Narwhal's database `from`, which may be in use, over the file `to`: a consistent snapshot with
 * everything committed before the call. The copy is one file, without a write-ahead log, and is
 * verified; `quick` does not check whether indexes have all rows. Rejects with `invalid` if `from` is
 * something else or damaged, `exhausted` if there is no space for the copy, and `cancelled`.
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
 * Within one read transaction: otherwise each concurrent write would make SQLite start from scratch,
 * and under load it would never finish. It blocks nobody, but the write-ahead log can't be checkpointed
 * until it has ended.
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
      return new NarwhalError('exhausted', `no space for ${to}: the disk is full`, cause)
    case NOT_A_DATABASE:
      return notNarwhals(from, error)
    case CORRUPT:
      return new NarwhalError('invalid', `${from} is damaged: ${reason}`, cause)
    default:
      return new NarwhalError('unavailable', `can't copy ${from} to ${to}: ${reason}`, cause)
  }
}

function notNarwhals(path: string, cause?: unknown): NarwhalError {
  return new NarwhalError('invalid', `${path} is not a Narwhal database`, { cause })
}
