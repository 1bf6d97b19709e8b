import { once } from 'node:events'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import { type GitEnv, git, startGit } from '../../../lib/git/git.ts'
import { type LfsPointer, LONGEST_POINTER, parsePointer, SHORTEST_POINTER } from './pointer.ts'

/** A file of the workspace that is a pointer. */
export interface PointerFile extends LfsPointer {
  /** Relative to the workspace. */
  readonly path: string
  readonly isExecutable: boolean
}

type Candidate = Pick<PointerFile, 'path' | 'isExecutable'>

const PATHS_AT_ONCE = 200
const ENTRY = /^(100644|100755) blob [0-9a-f]+ +(\d+)\t([^]+)$/

/**
 * The pointers in a folder that was just checked out, before anyone else writes to it: files with
 * `filter=lfs` in `.gitattributes` whose text is a pointer. Rejects with `too_large` if there are more
 * than `most`.
 */
export async function findPointers(
  folder: string,
  options: { readonly env: GitEnv; readonly signal: AbortSignal; readonly most: number },
): Promise<PointerFile[]> {
  const found: PointerFile[] = []
  let small: Candidate[] = []
  const check = async (): Promise<void> => {
    found.push(...(await readPointers(folder, await keepKept(folder, small, options))))
    small = []
    if (found.length <= options.most) return
    throw new NarwhalError('too_large', `there are more than ${options.most} Git LFS files`)
  }
  for await (const one of listSmallFiles(folder, options)) {
    if (small.push(one) >= PATHS_AT_ONCE) await check()
  }
  await check()
  return found
}

/** Files of the commit that are as small as a pointer. */
async function* listSmallFiles(
  folder: string,
  { env, signal }: { env: GitEnv; signal: AbortSignal },
): AsyncGenerator<Candidate, void, undefined> {
  const listing = startGit(['ls-tree', '-r', '-l', '-z', '--full-tree', 'HEAD'], {
    cwd: folder,
    env,
  })
  const stop = (): void => void listing.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  listing.stdin.on('error', () => {})
  listing.stderr.resume()
  const ended = once(listing, 'close')
  ended.catch(() => {})
  try {
    let rest = ''
    listing.stdout.setEncoding('utf8')
    for await (const chunk of listing.stdout) {
      const entries = (rest + String(chunk)).split('\0')
      rest = entries.pop() ?? ''
      for (const entry of entries) {
        const [, mode, size, path] = ENTRY.exec(entry) ?? []
        if (path === undefined) continue
        if (Number(size) < SHORTEST_POINTER || Number(size) > LONGEST_POINTER) continue
        yield { path, isExecutable: mode === '100755' }
      }
    }
    signal.throwIfAborted()
    const [code] = await ended
    if (code !== 0) throw new NarwhalError('unavailable', 'git ls-tree failed in the workspace')
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

/** Those with the filter `lfs` by `.gitattributes`. */
async function keepKept(
  folder: string,
  files: readonly Candidate[],
  options: { readonly env: GitEnv; readonly signal: AbortSignal },
): Promise<Candidate[]> {
  if (files.length === 0) return []
  const paths = files.map(({ path }) => path)
  const output = await git(['check-attr', '-z', 'filter', '--', ...paths], {
    cwd: folder,
    ...options,
  })
  // path NUL attribute NUL value NUL, for each path in order.
  const words = output.split('\0')
  return files.filter((_file, index) => words[index * 3 + 2] === 'lfs')
}

async function readPointers(folder: string, files: readonly Candidate[]): Promise<PointerFile[]> {
  const read = await Promise.all(
    files.map(async (file): Promise<PointerFile[]> => {
      await using handle = await open(
        join(folder, file.path),
        constants.O_RDONLY | constants.O_NOFOLLOW,
      )
      const pointer = parsePointer(await handle.readFile('utf8'))
      return pointer ? [{ ...file, ...pointer }] : []
    }),
  )
  return read.flat()
}
