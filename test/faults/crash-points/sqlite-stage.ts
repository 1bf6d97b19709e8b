import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ApiClient } from '../../../src/client/client.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { openStore } from '../../../src/store/open-store.ts'
import { gitRepository } from '../../support/git-repository.ts'
import { register } from '../../support/installation.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { FIRST_TOKEN } from '../../support/tokens.ts'
import type { CrashRun, CrashStage, End } from './crash-stage.ts'
import { readEndOf } from './read-end.ts'
import { type CrashPlan, RestartedProcess } from './restarted-process.ts'
import { PIPELINE_FILE } from './scenario.ts'

/** `narwhal up`, all in one process, on a copy of one data folder. */
export async function openSqliteStage(programs: string, signal: AbortSignal): Promise<CrashStage> {
  await using stack = new AsyncDisposableStack()
  const git = stack.use(await gitRepository({ files: { 'narwhal.yml': PIPELINE_FILE } }))
  const prepared = stack.use(await tempDir())
  await using up = new RestartedProcess(programs, upArgs(prepared.path))
  const server = await up.ready()
  const repository = await register(
    { client: new ApiClient({ server, token: FIRST_TOKEN }, signal) },
    git.path,
    {
      name: 'ada/project',
    },
  )
  await up.stop('SIGTERM')
  const sha = await git.head()
  const owned = stack.move()
  return {
    roles: ['up'],
    repository,
    sha,
    open: (_, plan) => openRun(programs, prepared.path, plan),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function upArgs(data: string): string[] {
  return ['up', '--data', data, '--port', '0', '--executor', 'fake:', '--slots', '4']
}

async function openRun(programs: string, prepared: string, plan: CrashPlan): Promise<CrashRun> {
  await using stack = new AsyncDisposableStack()
  const data = stack.use(await tempDir()).path
  await cp(prepared, data, { recursive: true })
  const up = stack.use(new RestartedProcess(programs, upArgs(data), plan))
  const owned = stack.move()
  return {
    addresses: {
      get agentUrl() {
        return up.url
      },
      get apiUrl() {
        return up.url
      },
    },
    victim: up,
    said: () => up.said,
    readEnd: async () => {
      await up.stop()
      return await readSqlite(join(data, 'narwhal.db'))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function readSqlite(path: string): Promise<End> {
  await using store = await openStore({ kind: 'sqlite', path }, silentLog())
  using database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare('PRAGMA integrity_check').all()
  const integrity = rows.map((row) => String(row['integrity_check'])).join('; ')
  return await readEndOf(store, integrity)
}
