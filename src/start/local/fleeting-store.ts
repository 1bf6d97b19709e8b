import { copyFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../lib/log.ts'
import { MIGRATIONS } from '../../store/migrations/migrate.ts'
import { openStore } from '../../store/open-store.ts'
import type { Store } from '../../store/store.ts'

const PREFIX = 'tables-'

export interface FleetingStore extends AsyncDisposable {
  readonly store: Store
}

/**
 * Opens an empty store in the folder, which is deleted with the process. Creating the tables would take
 * most of the time, so an empty database is kept there and copied.
 */
export async function openFleetingStore(folder: string, log: Logger): Promise<FleetingStore> {
  await using stack = new AsyncDisposableStack()
  const path = join(folder, 'run.db')
  await removeDatabase(path)
  stack.defer(() => removeDatabase(path))
  const template = join(folder, `${PREFIX}${Object.keys(MIGRATIONS).at(-1)}.db`)
  try {
    await copyFile(template, path)
  } catch {
    await makeTemplate(folder, template, log)
    await copyFile(template, path)
  }
  const store = stack.use(await openStore({ kind: 'sqlite', path, fleeting: true }, log))
  const owned = stack.move()
  return { store, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Creates it atomically, and removes those of other versions. */
async function makeTemplate(folder: string, template: string, log: Logger): Promise<void> {
  const former = (await readdir(folder)).filter((name) => name.startsWith(PREFIX))
  for (const name of former) await rm(join(folder, name), { force: true })
  const path = `${template}.new`
  await (await openStore({ kind: 'sqlite', path }, log))[Symbol.asyncDispose]()
  await rename(path, template)
}

async function removeDatabase(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true })
}
