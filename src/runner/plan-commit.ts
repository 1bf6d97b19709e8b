import type { CommitSource } from '../contract/attempt.ts'
import type { PipelinePlan, Problem } from '../core/plan.ts'
import { type GitEnv, git } from '../lib/git.ts'
import type { MirrorCache } from './mirror.ts'

const FILE = 'narwhal.yml'
const LARGEST_FILE = 1024 * 1024
const SHORTEST_FILE = 'steps:\n  - name: test\n    command: echo hello\n'
const LONGEST_TEXT = 500

/** What a file says, or all that is wrong with it. */
export type ParsedFile =
  | { readonly ok: true; readonly plan: PipelinePlan }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Reads the text of a `narwhal.yml`, however hostile it is. */
export interface PipelineParser extends AsyncDisposable {
  parse(text: string): Promise<ParsedFile>
}

export interface PlannedCommit {
  readonly file: ParsedFile
  /** The first line of the commit's message, cut when it is very long; hostile text. */
  readonly title: string
  /** The author's name; hostile text. */
  readonly author: string
  /** Milliseconds. */
  readonly fetchMs: number
  /** Milliseconds for reading the file out of git and understanding it. */
  readonly parseMs: number
}

/**
 * Fetches the commit and reads its `narwhal.yml`, out of git's objects and never from a working
 * tree. A file that is missing, no plain file, too large or full of mistakes is an answer; rejects
 * as `MirrorCache.fetchCommit` does.
 */
export async function planCommit(
  commit: CommitSource,
  deps: { readonly mirrors: MirrorCache; readonly parser: PipelineParser; readonly env: GitEnv },
  signal: AbortSignal,
): Promise<PlannedCommit> {
  const { fetchMs } = await deps.mirrors.fetchCommit(commit, signal)
  const startedAt = performance.now()
  const read = await deps.mirrors.read(commit, signal, async (mirror) => {
    const inMirror = (...args: string[]) =>
      git([`--git-dir=${mirror}`, ...args], { env: deps.env, signal })
    const [about, text] = await Promise.all([
      inMirror('log', '-1', '--encoding=UTF-8', '--format=%an%x00%s', commit.sha, '--'),
      readFile(inMirror, commit.sha),
    ])
    return { about, text }
  })
  const file: ParsedFile =
    typeof read.text === 'string'
      ? await deps.parser.parse(read.text)
      : { ok: false, problems: [{ ...read.text, line: 1, column: 1, excerpt: '' }] }
  const [author = '', title = ''] = read.about.trimEnd().split('\0')
  return {
    file,
    title: title.slice(0, LONGEST_TEXT).toWellFormed(),
    author: author.slice(0, LONGEST_TEXT).toWellFormed(),
    fetchMs,
    parseMs: performance.now() - startedAt,
  }
}

/** The file's text, or why there is none. */
async function readFile(
  inMirror: (...args: string[]) => Promise<string>,
  sha: string,
): Promise<string | { message: string }> {
  const entry = await inMirror('ls-tree', '--long', '--full-tree', sha, '--', FILE)
  if (entry === '') {
    return {
      message: `there is no ${FILE} at commit ${sha}: add one; the shortest is:\n${SHORTEST_FILE}`,
    }
  }
  const [, mode = '', type = '', object = '', size = ''] =
    /^(\d+) (\w+) ([0-9a-f]+) +(\S+)\t/.exec(entry) ?? []
  if (type !== 'blob' || (mode !== '100644' && mode !== '100755')) {
    const what = mode === '120000' ? 'a symbolic link' : type === 'tree' ? 'a folder' : 'no file'
    return { message: `${FILE} is ${what}: it must be a plain file` }
  }
  if (Number(size) > LARGEST_FILE) {
    return { message: `${FILE} has ${size} bytes: at most ${LARGEST_FILE} (1 MiB) are allowed` }
  }
  return inMirror('cat-file', 'blob', object)
}
