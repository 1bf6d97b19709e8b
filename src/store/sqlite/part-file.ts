import { randomBytes } from 'node:crypto'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasCode } from '../../lib/errors.ts'

/** Files that SQLite creates next to a database while it writes. */
const COMPANIONS = ['', '-journal', '-wal', '-shm']

/**
 * Creates a file atomically: `fill` writes a temporary file next to `path`, readable by its owner only,
 * which is synced to disk and then renamed. Files left behind by a process that crashed are removed by
 * the next call.
 */
export async function makeWhole<Result>(
  path: string,
  fill: (part: string) => Promise<Result>,
): Promise<Result> {
  await removeLeftovers(path)
  const part = join(
    dirname(path),
    `${prefixOf(path)}${process.pid}-${randomBytes(4).toString('hex')}`,
  )
  try {
    await (await open(part, 'wx', 0o600)).close()
    const result = await fill(part)
    await sync(part)
    await rename(part, path)
    await sync(dirname(path))
    return result
  } catch (error) {
    await removePart(part)
    throw error
  }
}

function prefixOf(path: string): string {
  return `.${basename(path)}.part-`
}

async function removeLeftovers(path: string): Promise<void> {
  const prefix = prefixOf(path)
  const folder = dirname(path)
  for (const name of await readdir(folder)) {
    const pid = name.startsWith(prefix) && /^\d+(?=-)/.exec(name.slice(prefix.length))?.[0]
    if (pid && !isAlive(Number(pid))) await rm(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process of another user.
    return hasCode(error, 'EPERM')
  }
}

async function removePart(part: string): Promise<void> {
  for (const companion of COMPANIONS) await rm(`${part}${companion}`, { force: true })
}

async function sync(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}
