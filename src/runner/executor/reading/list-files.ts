import { isUtf8 } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { matchesGlobs } from '../../../core/plan/glob.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { ArchiveOptions, Sandbox } from '../executor.ts'
import { listScript } from './archive-walks.ts'
import { outputOf, wholeOutput, wordsOf } from './script-output.ts'

/** About 500,000 paths. */
const MOST_LISTED_BYTES = 48 * 1024 * 1024
const MOST_STDERR_BYTES = 300
/** Paths that are matched before yielding to the event loop. */
const AT_ONCE = 100

/** A file, folder or link for an archive. */
export interface ListedFile {
  readonly kind: 'f' | 'd' | 'l'
  readonly path: string
}

/**
 * What the patterns match, sorted by the bytes of the paths. Everything from a sandbox may be forged by the
 * job: paths that lead elsewhere are rejected.
 */
export async function listFiles(
  run: Sandbox['run'],
  patterns: readonly string[],
  { signal, onLeftOut }: ArchiveOptions,
): Promise<readonly ListedFile[]> {
  const script = listScript(patterns)
  const output = outputOf(run, { script, maxStderrBytes: MOST_STDERR_BYTES }, signal)
  const { exitCode, stdout, stderr } = await wholeOutput(
    output,
    MOST_LISTED_BYTES,
    () => new NarwhalError('too_large', 'there are too many files to match: name a folder'),
  )
  if (exitCode !== 0) {
    const words = `the files of the job can't be listed: ${wordsOf(stderr)}`
    throw new NarwhalError('conflict', words)
  }
  const found = new Map<string, ListedFile>()
  let count = 0
  for (const record of recordsOf(stdout)) {
    if (++count % AT_ONCE === 0) await nextTurn()
    signal.throwIfAborted()
    const kind = record.toString('latin1', 0, 1)
    const path = pathOf(record.subarray(1))
    if (path.split('/').includes('.git')) continue
    if (kind === 'U') throw unreadable(path)
    if (!matchesGlobs(path, patterns)) continue
    if (kind === 'u') throw unreadable(path)
    if (!isUtf8(record)) {
      const words = `the name of ${JSON.stringify(path)} is not UTF-8: rename it`
      throw new NarwhalError('invalid', words)
    }
    if (kind === 'f' || kind === 'd' || kind === 'l') found.set(path, { kind, path })
    else onLeftOut?.(path)
  }
  checkFolders(found)
  return [...found.values()].toSorted((a, b) =>
    Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)),
  )
}

function* recordsOf(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start)
    if (end < 0) throw untrue()
    yield bytes.subarray(start, end)
    start = end + 1
  }
}

function pathOf(bytes: Buffer): string {
  const path = bytes.toString('utf8')
  if (path === '.') return path
  const parts = path.split('/')
  if (parts.shift() !== '.' || parts.length === 0) throw untrue()
  if (parts.some((part) => ['', '.', '..'].includes(part))) throw untrue()
  return parts.join('/')
}

/** An unpacker would follow a link that has entries below it. */
function checkFolders(found: ReadonlyMap<string, ListedFile>): void {
  for (const path of found.keys()) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = found.get(path.slice(0, end))
      if (above && above.kind !== 'd') throw untrue()
    }
  }
}

function untrue(): NarwhalError {
  return new NarwhalError('conflict', "a program of the job's image reports a wrong list of files")
}

function unreadable(path: string): NarwhalError {
  return new NarwhalError('forbidden', `the job's user can't read ${JSON.stringify(path)}`)
}
