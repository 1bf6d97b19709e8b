import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { DiskUse } from '../executor/executor.ts'

/** A folder of this machine, and its name inside the job. */
export interface NamedFolder {
  readonly path: string
  readonly name: string
}

/** The depth to which folders are measured separately, and how many are named. */
const DEPTH = 3
const MOST_NAMED = 3
/** A folder with this share of its parent is named in its place. */
const NEARLY_ALL = 0.8

/**
 * The disk space that folders use, by `du` at low priority, each on one file system. What can't be read
 * does not count; `enter` is the command prefix for a program that can read more. Rejects with `unavailable`.
 */
export async function measureFolders(
  folders: readonly NamedFolder[],
  signal: AbortSignal,
  enter: readonly string[] = [],
): Promise<DiskUse> {
  const paths = folders.map(({ path }) => path)
  const measure = ['nice', '-n', '10', 'du', '-k', '-x', '-d', String(DEPTH), '--', ...paths]
  const [program = '', ...args] = [...enter, ...measure]
  const du = spawn(program, args, {
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
    const message = `can't measure the disk space of a job: ${describeError(cause)}`
    throw new NarwhalError('unavailable', message, { cause })
  }
  return summarize(parseDu(text), folders)
}

/** The sizes of the folders in the output of `du -k`. */
export function parseDu(text: string): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [, kilobytes, path] = /^(\d+)\t(.+)$/.exec(line) ?? []
    if (path !== undefined) sizes.set(path, Number(kilobytes) * 1024)
  }
  return sizes
}

/** The total, and the largest folders, none of them inside another. */
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
  const candidates = [...named].filter(
    ([path, size]) =>
      ![...named].some(([inner, part]) => isAround(path, inner) && part >= size * NEARLY_ALL),
  )
  for (const [path, size] of candidates.toSorted(([, a], [, b]) => b - a)) {
    if (chosen.length === MOST_NAMED) break
    const overlaps = chosen.some((one) => isAround(one.path, path) || isAround(path, one.path))
    if (!overlaps && size > 0) chosen.push({ path, bytes: size })
  }
  return { bytes, largest: chosen }
}

/** Adds the size of deleted files that are still open. */
export function withDeleted({ bytes, largest }: DiskUse, deleted: number): DiskUse {
  const all = [...largest, { path: '(deleted, still open)', bytes: deleted }]
  const sorted = all.toSorted((a, b) => b.bytes - a.bytes)
  return { bytes: bytes + deleted, largest: sorted.slice(0, MOST_NAMED) }
}
