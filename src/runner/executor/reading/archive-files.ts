import { NarwhalError } from '../../../lib/errors.ts'
import type { ArchiveOptions, Sandbox } from '../executor.ts'
import { checkPatterns } from './archive-walks.ts'
import {
  type ArchivedFile,
  argumentLists,
  factsBytes,
  factsScript,
  findFacts,
  withHardLinks,
} from './file-facts.ts'
import { type ListedFile, listFiles } from './list-files.ts'
import { type EndedScript, outputOf, wordsOf } from './script-output.ts'
import { TAR_END, tarHeader, tarPadding } from './tar-blocks.ts'

/** Paths per script; the port's limit for a script is 4 MiB. */
const MOST_PATH_BYTES = 256 * 1024

/**
 * `Sandbox.archive` through scripts in the sandbox, and so with a step's permissions: one lists, one reports
 * modes, sizes and links, one prints contents. They need `cat`, `stat` and `readlink` in the image, but not
 * `tar`. The archive itself is written here.
 */
export async function* archiveBySteps(
  run: Sandbox['run'],
  patterns: readonly string[],
  options: ArchiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = options
  checkPatterns(patterns)
  signal.throwIfAborted()
  const found: ArchivedFile[] = []
  for (const part of partsOf(await listFiles(run, patterns, options), ({ path }) => path)) {
    found.push(...(await findFacts(run, part, signal)))
  }
  const files = withHardLinks(found)
  checkSize(files, options.maxBytes)
  for (const part of partsOf(files, ({ entry }) => entry.path)) yield* pack(run, part, signal)
  yield TAR_END
}

/** Rejects before anything is read; a sparse file counts at its full size. */
export function checkSize(files: readonly Pick<ArchivedFile, 'entry'>[], maxBytes: number): void {
  const bytes = files.reduce((sum, { entry }) => sum + entry.size, 0)
  if (bytes <= maxBytes) return
  const [largest] = files.toSorted((a, b) => b.entry.size - a.entry.size)
  const what = `${JSON.stringify(largest?.entry.path)} alone ${largest?.entry.size}`
  throw new NarwhalError(
    'too_large',
    `the files have ${bytes} bytes, but the limit is ${maxBytes}; ${what}`,
  )
}

async function* pack(
  run: Sandbox['run'],
  files: readonly ArchivedFile[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const shown = files.filter(({ entry }) => entry.size > 0)
  if (shown.length === 0) {
    for (const { entry } of files) yield tarHeader(entry)
    return
  }
  const paths = shown.map(({ entry }) => entry.path)
  const script = [...argumentLists(paths)].map((list) => `cat -- ${list}\n`).join('')
  const after = `${script}{\n${factsScript(paths)}} >&2\n`
  const output = outputOf(run, { script: after, maxStderrBytes: factsBytes(paths) }, signal)
  try {
    let rest: Buffer = Buffer.alloc(0)
    for (const { entry } of files) {
      yield tarHeader(entry)
      for (let left = entry.size; left > 0; ) {
        if (rest.length === 0) {
          const next = await output.next()
          if (next.done) throw changed(next.value)
          rest = next.value
        }
        const part = rest.subarray(0, left)
        rest = rest.subarray(part.length)
        left -= part.length
        yield part
      }
      if (entry.size > 0) yield tarPadding(entry.size)
    }
    const end = rest.length > 0 ? undefined : await output.next()
    const expected = `${shown.map(({ facts }) => facts).join('\n')}\n`
    if (!end?.done || end.value.exitCode !== 0) throw changed(end?.done ? end.value : undefined)
    if (end.value.stderr.toString() !== expected) throw changed()
  } finally {
    await output.return(undefined as never)
  }
}

function changed(end?: EndedScript): NarwhalError {
  const said = end && end.exitCode !== 0 ? `: ${wordsOf(end.stderr)}` : ''
  return new NarwhalError('conflict', `files of the job changed while they were read${said}`)
}

function* partsOf<One extends ListedFile | ArchivedFile>(
  all: readonly One[],
  pathOf: (one: One) => string,
): Generator<readonly One[], void, undefined> {
  let part: One[] = []
  let bytes = 0
  for (const one of all) {
    // Quoted, and three times: for its content, its facts and its link.
    bytes += Buffer.byteLength(pathOf(one)) + 10
    part.push(one)
    if (bytes < MOST_PATH_BYTES) continue
    yield part
    part = []
    bytes = 0
  }
  if (part.length > 0) yield part
}
