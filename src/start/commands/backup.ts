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

const MANUAL = 'docs/manual/backup.md tells more'

/** `narwhal backup FILE`: a copy of the database, which may be in use. */
export async function runBackup(launch: Launch, file: string): Promise<void> {
  const { data, database } = loadConfig(['data', 'database'], launch.flags)
  if (database?.kind === 'postgres') {
    const words = `PostgreSQL is backed up by its own tools, while Narwhal runs: pg_dump --format=custom --file=${file} --dbname=…; ${MANUAL}`
    throw new NarwhalError('invalid', words)
  }
  const { backupSqlite } = await import('../../store/sqlite/backup.ts')
  const path = database?.path ?? join(data ?? defaultDataFolder(launch.root), 'narwhal.db')
  const target = resolve(launch.io.cwd, file)
  const contents = await backupSqlite(resolve(launch.io.cwd, path), target, launch.io.signal)
  const { noteBackup } = await import('../../store/sqlite/note-backup.ts')
  // What could not be written down is a backup all the same.
  await noteBackup(resolve(launch.io.cwd, path), localDoer(loginName(), 'narwhal backup')).catch(
    (error: unknown) => {
      const words = `the audit log does not say that it was made: ${describeError(error)}`
      launch.io.stderr.write(`${words}\n`)
    },
  )
  launch.io.stdout.write(`Backed up ${path} to ${file}.\n${describe(contents)}\n`)
}

/**
 * `narwhal restore FILE`: puts a backup in the place of a database; `narwhal restore
 * --after-pg-restore`: does to a PostgreSQL database what must follow its restoring.
 */
export async function runRestore(launch: Launch, file: string | undefined): Promise<void> {
  const { data, database } = loadConfig(['data', 'database'], launch.flags)
  const { io, flags } = launch
  if (database?.kind === 'postgres' || flags['afterPgRestore'] === true) {
    await finishPostgres(launch, database, file)
    return
  }
  if (file === undefined) throw new NarwhalError('invalid', 'which backup? name its file')
  const path = resolve(io.cwd, database?.path ?? join(dataFolder(launch, data), 'narwhal.db'))
  await using _claim = await claimDatabase(path)
  const { restoreSqlite } = await import('../../store/sqlite/restore.ts')
  const { contents, aside } = await restoreSqlite(resolve(io.cwd, file), path, {
    replace: flags['force'] === true,
    by: localDoer(loginName(), 'narwhal restore'),
    signal: io.signal,
  })
  await retireKey(launch, { kind: 'sqlite', path })
  const kept = aside ? ` What was there is kept in ${aside}.` : ''
  io.stdout.write(`Restored ${path} from ${file}.${kept}\n${describe(contents)}\n`)
}

/** A key that was taken out of use after the backup must stay so. */
async function retireKey({ io, flags }: Launch, database: StoreConfig): Promise<void> {
  const { retire: kid } = flags
  if (typeof kid !== 'string') return
  const { openStore } = await import('../../store/open-store.ts')
  const { retireIdTokenKey } = await import('../../vault/id-token-keys.ts')
  await using store = await openStore(database, silentLog(), io.signal)
  const by = localDoer(loginName(), 'narwhal restore --retire')
  const isThere = await retireIdTokenKey({ store }, { kid, by })
  const words = isThere ? 'is out of use' : 'is not in the backup: there is nothing to retire'
  io.stdout.write(`The key ${kid} ${words}.\n`)
}

async function finishPostgres(
  launch: Launch,
  database: StoreConfig | undefined,
  file: string | undefined,
): Promise<void> {
  const { io, flags } = launch
  if (database?.kind !== 'postgres') {
    const words = '--after-pg-restore is for PostgreSQL: name it by --database postgres://…'
    throw new NarwhalError('invalid', words)
  }
  if (flags['afterPgRestore'] !== true || file !== undefined) {
    const words = `restore PostgreSQL by pg_restore, while Narwhal is stopped; then call \`narwhal restore --after-pg-restore\` without a file; ${MANUAL}`
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

/** `narwhal up` and `narwhal runner` claim their data folder; they must not start meanwhile. */
async function claimDatabase(path: string): Promise<AsyncDisposable> {
  const folder = resolve(path, '..')
  if (!existsSync(folder)) throw new NarwhalError('invalid', `there is no folder ${folder}`)
  try {
    return await claimFolder(folder)
  } catch (cause) {
    throw new NarwhalError('conflict', `a Narwhal works in ${folder}: stop it first`, { cause })
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
  return `It holds all up to state change ${lastChange}: ${counts}; ${size}, checked.`
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
