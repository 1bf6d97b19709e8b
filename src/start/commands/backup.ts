import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { loadConfig } from '../../config/config.ts'
import { defaultDataFolder } from '../../config/data-folder.ts'
import { localDoer } from '../../core/audit/audit.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { claimFolder } from '../../runner/claim-folder.ts'
import type { StoreConfig } from '../../store/open-store.ts'
import type { Contents } from '../../store/sqlite/copy-database.ts'
import { dataFolder, type Launch } from '../context.ts'
import { loginName } from './login-name.ts'

const MANUAL = 'see docs/manual/backup.md'

/** `narwhal backup FILE`: a copy of the database, which may be in use. */
export async function runBackup(launch: Launch, file: string): Promise<void> {
  const { data, database } = loadConfig(['data', 'database'], launch.flags)
  if (database?.kind === 'postgres') {
    const words = `PostgreSQL is backed up with its own tools, even while Narwhal is running: pg_dump --format=custom --file=${file} --dbname=…; ${MANUAL}`
    throw new NarwhalError('invalid', words)
  }
  const { backupSqlite } = await import('../../store/sqlite/backup.ts')
  const path = database?.path ?? join(data ?? defaultDataFolder(launch.root), 'narwhal.db')
  const target = resolve(launch.io.cwd, file)
  const contents = await backupSqlite(resolve(launch.io.cwd, path), target, launch.io.signal)
  const { noteBackup } = await import('../../store/sqlite/note-backup.ts')
  // A backup without an audit entry is still a backup.
  await noteBackup(resolve(launch.io.cwd, path), localDoer(loginName(), 'narwhal backup')).catch(
    (error: unknown) => {
      const words = `the backup could not be recorded in the audit log: ${describeError(error)}`
      launch.io.stderr.write(`${words}\n`)
    },
  )
  launch.io.stdout.write(`Backed up ${path} to ${file}.\n${describe(contents)}\n`)
}

/**
 * `narwhal restore FILE` replaces a database by a backup; `narwhal restore --after-pg-restore` prepares a
 * restored PostgreSQL database for use.
 */
export async function runRestore(launch: Launch, file: string | undefined): Promise<void> {
  const { data, database } = loadConfig(['data', 'database'], launch.flags)
  const { io, flags } = launch
  if (database?.kind === 'postgres' || flags['afterPgRestore'] === true) {
    await finishPostgres(launch, database, file)
    return
  }
  if (file === undefined) throw new NarwhalError('invalid', 'specify the backup file')
  const path = resolve(io.cwd, database?.path ?? join(dataFolder(launch, data), 'narwhal.db'))
  await using _claim = await claimDatabase(path)
  const { restoreSqlite } = await import('../../store/sqlite/restore.ts')
  const { contents, aside } = await restoreSqlite(resolve(io.cwd, file), path, {
    replace: flags['force'] === true,
    by: localDoer(loginName(), 'narwhal restore'),
    signal: io.signal,
  })
  await retireKey(launch, { kind: 'sqlite', path })
  const kept = aside ? ` The previous database is kept as ${aside}.` : ''
  io.stdout.write(`Restored ${path} from ${file}.${kept}\n${describe(contents)}\n`)
}

/** A key that was retired after the backup must stay retired. */
async function retireKey({ io, flags }: Launch, database: StoreConfig): Promise<void> {
  const { retire: kid } = flags
  if (typeof kid !== 'string') return
  const { openStore } = await import('../../store/open-store.ts')
  const { retireIdTokenKey } = await import('../../vault/id-token-keys.ts')
  await using store = await openStore(database, silentLog(), io.signal)
  const by = localDoer(loginName(), 'narwhal restore --retire')
  const isThere = await retireIdTokenKey({ store }, { kid, by })
  const words = isThere ? 'is retired' : 'is not in the backup: nothing to retire'
  io.stdout.write(`Key ${kid} ${words}.\n`)
}

async function finishPostgres(
  launch: Launch,
  database: StoreConfig | undefined,
  file: string | undefined,
): Promise<void> {
  const { io, flags } = launch
  if (database?.kind !== 'postgres') {
    const words = '--after-pg-restore requires PostgreSQL: set --database postgres://…'
    throw new NarwhalError('invalid', words)
  }
  if (flags['afterPgRestore'] !== true || file !== undefined) {
    const words = `restore PostgreSQL with pg_restore, while Narwhal is stopped, then run \`narwhal restore --after-pg-restore\` without a file; ${MANUAL}`
    throw new NarwhalError('invalid', words)
  }
  const { prepareRestoredPostgres } = await import('../../store/postgres/after-restore.ts')
  await prepareRestoredPostgres(database.url, {
    log: silentLog(),
    by: localDoer(loginName(), 'narwhal restore --after-pg-restore'),
  })
  await retireKey(launch, database)
  io.stdout.write('The restored database is ready: start Narwhal.\n')
}

/** Claims the data folder, so that neither `narwhal up` nor `narwhal runner` can start meanwhile. */
async function claimDatabase(path: string): Promise<AsyncDisposable> {
  const folder = resolve(path, '..')
  if (!existsSync(folder)) throw new NarwhalError('invalid', `no folder at ${folder}`)
  try {
    return await claimFolder(folder)
  } catch (cause) {
    throw new NarwhalError('conflict', `a running Narwhal uses ${folder}: stop it first`, { cause })
  }
}

function describe(contents: Contents): string {
  const { lastChange, repositories, events, pipelines, openPipelines, jobs, bytes } = contents
  const counts = [
    count(repositories, 'repository', 'repositories'),
    count(events, 'commit event'),
    `${count(pipelines, 'pipeline')} (${openPipelines} open)`,
    count(jobs, 'job'),
  ].join(', ')
  const size = `${(bytes / 1024 ** 2).toFixed(1)} MB`
  return `It contains all changes up to ${lastChange}: ${counts}; ${size}, verified.`
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
