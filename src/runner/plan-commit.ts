import type { CommitSource } from '../contract/attempt.ts'
import type { EventFacts } from '../contract/event-facts.ts'
import type { PipelinePlan, Problem } from '../core/plan.ts'
import type { PlanFacts } from '../core/plan-facts.ts'
import type { GitEnv } from '../lib/git.ts'
import { changedPaths } from './changed-paths.ts'
import type { MirrorCache } from './mirror/mirror-cache.ts'
import type { ObjectReader } from './mirror/object-reader.ts'
import { type CommitText, findEntry, readCommit } from './mirror/read-commit.ts'

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
  parse(text: string, facts: PlanFacts): Promise<ParsedFile>
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
  { commit, facts }: { readonly commit: CommitSource; readonly facts: EventFacts },
  deps: { readonly mirrors: MirrorCache; readonly parser: PipelineParser; readonly env: GitEnv },
  signal: AbortSignal,
): Promise<PlannedCommit> {
  const { fetchMs } = await deps.mirrors.fetchCommit(commit, signal)
  const startedAt = performance.now()
  const read = await deps.mirrors.read(commit, signal, async (path, objects) => {
    const about = await readCommit(objects, commit.sha)
    const text = await readFile(objects, commit.sha, about.tree)
    const asksForPaths = typeof text === 'string' && /\b(?:path|changed)\b/.test(text)
    const changed = asksForPaths
      ? await changedPaths(path, { ...facts, sha: commit.sha }, { env: deps.env, signal })
      : undefined
    return { about, text, changed }
  })
  const { author, title } = read.about
  const file: ParsedFile =
    typeof read.text === 'string'
      ? await deps.parser.parse(read.text, planFactsOf(commit, facts, read))
      : { ok: false, problems: [{ ...read.text, line: 1, column: 1, excerpt: '' }] }
  return {
    file,
    title: title.slice(0, LONGEST_TEXT).toWellFormed(),
    author: author.slice(0, LONGEST_TEXT).toWellFormed(),
    fetchMs,
    parseMs: performance.now() - startedAt,
  }
}

function planFactsOf(
  { ref, sha, repositoryName }: CommitSource,
  facts: EventFacts,
  read: { about: CommitText; changed: readonly string[] | undefined },
): PlanFacts {
  const { event, fromFork, targetBranch, inputs, jobs } = facts
  return {
    event,
    fromFork,
    ...(targetBranch === undefined ? {} : { targetBranch }),
    inputs,
    ...(jobs ? { jobs } : {}),
    ref,
    sha,
    repository: repositoryName,
    title: facts.title || read.about.title,
    author: facts.author || read.about.author,
    ...(read.changed ? { changedPaths: read.changed } : {}),
  }
}

/** The file's text, or why there is none. */
async function readFile(
  objects: ObjectReader,
  sha: string,
  tree: string,
): Promise<string | { message: string }> {
  const entry = await findEntry(objects, tree, FILE)
  if (!entry) {
    return {
      message: `there is no ${FILE} at commit ${sha}: add one; the shortest is:\n${SHORTEST_FILE}`,
    }
  }
  const { id, mode } = entry
  if (mode !== '100644' && mode !== '100755') {
    const what = mode === '120000' ? 'a symbolic link' : mode === '40000' ? 'a folder' : 'no file'
    return { message: `${FILE} is ${what}: it must be a plain file` }
  }
  const size = (await objects.info(id))?.size ?? 0
  if (size > LARGEST_FILE) {
    return { message: `${FILE} has ${size} bytes: at most ${LARGEST_FILE} (1 MiB) are allowed` }
  }
  return (await objects.read(id, 'blob', LARGEST_FILE)).toString('utf8')
}
