import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { DiskUse } from '../executor/executor.ts'

/** A folder of this machine, and what the job calls it. */
export interface NamedFolder {
  readonly path: string
  readonly name: string
}

/** How deep folders are told apart, and how many are named. */
const DEPTH = 3
const MOST_NAMED = 3
/** A folder that has so much of the one around it says more. */
const NEARLY_ALL = 0.8

/**
 * What folders take of the disk, by `du` in a process of its own, at low priority, on one file system. A folder that
 * can't be looked into counts by what can. Rejects with `unavailable`.
 */
export async function measureFolders(
  folders: readonly NamedFolder[],
  signal: AbortSignal,
): Promise<DiskUse> {
  const paths = folders.map(({ path }) => path)
  const du = spawn('nice', ['-n', '10', 'du', '-k', '-x', '-d', String(DEPTH), '--', ...paths], {
    stdio: ['ignore', 'pipe', 'ignore'],
    signal,
  })
  let text = ''
  du.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  try {
    await once(du, 'close')
  } catch (cause) {
    signal.throwIfAborted()
    const words = `what a job takes of the disk can't be measured: ${describeError(cause)}`
    throw new NarwhalError('unavailable', words, { cause })
  }
  return summarize(parseDu(text), folders)
}

/** The size of each folder that `du -k` has told. */
export function parseDu(text: string): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, kilobytes, path] = /^(\d+)\t(.+)$/.exec(line) ?? []
    if (path !== undefined) sizes.set(path, Number(kilobytes) * 1024)
  }
  return sizes
}

/** Their sum, and the largest of all folders, those before which another says nothing more. */
export function summarize(
  sizes: ReadonlyMap<string, number>,
  folders: readonly NamedFolder[],
): DiskUse {
  const bytes = folders.reduce((sum, { path }) => sum + (sizes.get(path) ?? 0), 0)
  const named = new Map<string, number>()
  for (const [path, size] of sizes) {
    const folder = folders.find((one) => path === one.path || path.startsWith(`${one.path}/`))
    if (folder) named.set(`${folder.name}${path.slice(folder.path.length)}`, size)
  }
  const chosen: { path: string; bytes: number }[] = []
  const isAround = (outer: string, inner: string): boolean => inner.startsWith(`${outer}/`)
  const telling = [...named].filter(
    ([path, size]) =>
      ![...named].some(([inner, part]) => isAround(path, inner) && part >= size * NEARLY_ALL),
  )
  for (const [path, size] of telling.toSorted(([, a], [, b]) => b - a)) {
    if (chosen.length === MOST_NAMED) break
    const isToldOf = chosen.some((one) => isAround(one.path, path) || isAround(path, one.path))
    if (!isToldOf && size > 0) chosen.push({ path, bytes: size })
  }
  return { bytes, largest: chosen }
}

/** With what deleted files take that are still open. */
export function withDeleted({ bytes, largest }: DiskUse, deleted: number): DiskUse {
  const all = [...largest, { path: '(deleted, still open)', bytes: deleted }]
  const sorted = all.toSorted((a, b) => b.bytes - a.bytes)
  return { bytes: bytes + deleted, largest: sorted.slice(0, MOST_NAMED) }
}
