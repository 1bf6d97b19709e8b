import { NarwhalError } from '../../../lib/errors.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'
import type { Sandbox } from '../executor.ts'
import type { ListedFile } from './list-files.ts'
import { outputOf, wholeOutput, wordsOf } from './script-output.ts'
import type { TarEntry } from './tar-blocks.ts'

/** Mode, size, time, identity, number of links, and time of the last change of any of these. */
const FORMAT = '%f %s %Y %d:%i %h %z'
const FACTS = /^([0-9a-f]+) (\d+) (-?\d+) (\S+) (\d+) .+$/
const LONGEST_FACTS = 200
const LONGEST_LINK = 4_096
/** Arguments per process; Linux accepts at least 128 KiB of them. */
const MOST_ARGUMENTS = 200
const MOST_ARGUMENT_BYTES = 64 * 1024

const FILE_TYPES = { f: 0x8000, d: 0x4000, l: 0xa000 } as const

/** An entry of an archive, and the facts that show whether its file has changed. */
export interface ArchivedFile {
  readonly entry: TarEntry
  readonly facts: string
}

/** Paths, in lists that fit on a command line. */
export function* argumentLists(paths: readonly string[]): Generator<string, void, undefined> {
  let list: string[] = []
  let bytes = 0
  for (const path of paths) {
    const length = Buffer.byteLength(path)
    if (
      list.length === MOST_ARGUMENTS ||
      (list.length > 0 && bytes + length > MOST_ARGUMENT_BYTES)
    ) {
      yield list.join(' ')
      list = []
      bytes = 0
    }
    list.push(shellQuote(`./${path}`))
    bytes += length
  }
  if (list.length > 0) yield list.join(' ')
}

/** Shell commands that print a line of facts for each path. */
export function factsScript(paths: readonly string[]): string {
  return [...argumentLists(paths)].map((list) => `stat -c '${FORMAT}' -- ${list}\n`).join('')
}

/** Upper bound of their output. */
export function factsBytes(paths: readonly string[]): number {
  return (paths.length + 1) * LONGEST_FACTS
}

/** Collects what the headers of these files need. */
export async function findFacts(
  run: Sandbox['run'],
  listed: readonly ListedFile[],
  signal: AbortSignal,
): Promise<readonly ArchivedFile[]> {
  const paths = listed.map(({ path }) => path)
  const links = listed.filter(({ kind }) => kind === 'l').map(({ path }) => path)
  const script = `${factsScript(paths)}${links.map(linkScript).join('')}`
  const output = outputOf(run, { script, maxStderrBytes: LONGEST_FACTS }, signal)
  const maxBytes = factsBytes(paths) + links.length * LONGEST_LINK
  const { exitCode, stdout, stderr } = await wholeOutput(output, maxBytes, untrue)
  if (exitCode !== 0) {
    const words = `files of the job changed while they were listed: ${wordsOf(stderr)}`
    throw new NarwhalError('conflict', words)
  }
  let start = 0
  const until = (end: string): string => {
    const found = stdout.indexOf(end, start)
    if (found < 0) throw untrue()
    const text = stdout.toString('utf8', start, found)
    start = found + 1
    return text
  }
  const facts = paths.map(() => until('\n'))
  const targets = new Map(links.map((path) => [path, until('\0')]))
  return listed.map((file, n) => archivedFile(file, facts[n] ?? '', targets.get(file.path)))
}

function linkScript(path: string): string {
  // The suffix keeps the shell from stripping line feeds at the end of the target.
  return `printf '%s\\0' "$(readlink -- ${shellQuote(`./${path}`)} && echo .)"\n`
}

function archivedFile({ kind, path }: ListedFile, facts: string, target?: string): ArchivedFile {
  const [, mode = '', size = '', mtime = ''] = FACTS.exec(facts) ?? []
  const bits = Number.parseInt(mode, 16)
  if ((bits & 0xf000) !== FILE_TYPES[kind]) {
    throw new NarwhalError('conflict', `${JSON.stringify(path)} changed while it was listed`)
  }
  const known = {
    path,
    // Set-user-id and set-group-id bits are dropped.
    mode: bits & 0o777,
    mtime: Math.max(0, Number(mtime)),
    size: kind === 'f' ? Number(size) : 0,
  }
  switch (kind) {
    case 'f':
      return { entry: { ...known, type: 'File' }, facts }
    case 'd':
      return { entry: { ...known, type: 'Directory' }, facts }
    case 'l': {
      if (!target?.endsWith('\n.') || target.length < 3) throw untrue()
      return { entry: { ...known, type: 'SymbolicLink', linkpath: target.slice(0, -2) }, facts }
    }
  }
}

/** Turns further names of a file into hard links to the first. */
export function withHardLinks(files: readonly ArchivedFile[]): readonly ArchivedFile[] {
  const first = new Map<string, string>()
  return files.map((file) => {
    const { entry, facts } = file
    const [, , , , id = '', names = ''] = FACTS.exec(facts) ?? []
    if (entry.type !== 'File' || Number(names) < 2) return file
    const linkpath = first.get(id)
    if (linkpath !== undefined) {
      return { facts, entry: { ...entry, type: 'Link', size: 0, linkpath } }
    }
    first.set(id, entry.path)
    return file
  })
}

function untrue(): NarwhalError {
  return new NarwhalError(
    'conflict',
    "a program of the job's image reports wrong facts about its files",
  )
}
