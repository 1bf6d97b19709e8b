import { isDeepStrictEqual } from 'node:util'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import type { EventFacts } from '../../contract/rpc/event-facts.ts'
import type { PlannedCommit, PlannedFile, PlanOrder } from '../../contract/rpc/planned-commit.ts'
import type { PipelinePlan } from '../../core/plan/plan.ts'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import { type ChangedFiles, changedFiles } from '../../core/stranger/changed-files.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import type { IncludedFiles, IncludeRef } from '../../pipeline-file/read/include-ref.ts'
import { withIncludes } from '../../pipeline-file/read/with-includes.ts'
import type { MirrorCache } from '../mirror/mirror-cache.ts'
import type { ObjectReader } from '../mirror/object-reader.ts'
import { type CommitText, readCommit } from '../mirror/read-commit.ts'
import { readTextFile } from '../mirror/read-text-file.ts'
import { type ChangedPaths, changedPaths } from './changed-paths.ts'
import { findBase } from './find-base.ts'
import { IncludeLoader } from './load-include.ts'

const FILE = 'narwhal.yml'
/** On one line, as problems are shown. */
const SHORTEST_FILE = 'steps: [echo hello]'
const LONGEST_TEXT = 500
/** The target has no pipeline file. */
const NO_FILE_THERE = { message: 'there is none' }

/** A parsed file; if it failed, also the included files that were missing. */
export type ParsedFile =
  | Extract<PlannedFile, { ok: true }>
  | (Extract<PlannedFile, { ok: false }> & { readonly wants?: readonly IncludeRef[] })

/** Parses the text of a `narwhal.yml`, however hostile it is. */
export interface PipelineParser extends AsyncDisposable {
  /** There will be a text soon. */
  warmUp?(): void
  parse(text: string, facts: PlanFacts, included: IncludedFiles): Promise<ParsedFile>
}

/**
 * Fetches the commit and reads its `narwhal.yml` from git's objects, never from a working tree. A file
 * that is missing, not a regular file, too large or invalid is a result; rejects as
 * `MirrorCache.fetchCommit` does.
 */
export async function planCommit(
  { commit: told, facts, sources }: PlanOrder,
  deps: { readonly mirrors: MirrorCache; readonly parser: PipelineParser; readonly env: GitEnv },
  signal: AbortSignal,
): Promise<PlannedCommit> {
  deps.parser.warmUp?.()
  const { fetchMs, sha } = await deps.mirrors.fetchCommit(told, signal)
  const commit = { ...told, sha }
  const startedAt = performance.now()
  const { about, text } = await deps.mirrors.read(commit, signal, async (_path, objects) => {
    const about = await readCommit(objects, commit.sha)
    return { about, text: await readFile(objects, commit.sha, about.tree) }
  })
  const { author, title } = about
  // Included files may depend on paths, too.
  const asksForPaths = typeof text === 'string' && /\b(?:path|changed|include)\b/.test(text)
  const { base, changed } =
    asksForPaths || facts.isStranger ? await compare(commit, facts, deps, signal) : {}
  const paths = changed && 'paths' in changed ? changed.paths : undefined
  const planFacts = planFactsOf(commit, facts, { about, changed: paths })
  const loader = new IncludeLoader({ commit, ...deps, sources }, signal)
  const parse = async (asked: PlanFacts): Promise<ParsedFile> =>
    typeof text === 'string'
      ? await withIncludes(
          (included) => deps.parser.parse(text, asked, included),
          (ref) => loader.load(ref),
        )
      : unreadable(text)
  const file = await parse(planFacts)
  const note =
    changed && 'unknown' in changed && (await dependsOnPaths(file, parse, planFacts))
      ? `all conditions on paths hold, as it is not known what was changed: ${changed.unknown}`
      : undefined
  // A file that is missing runs nothing, which the target's own may not do either.
  const jobs = file.ok ? file.plan.jobs : file.isMissing ? [] : undefined
  const target =
    jobs && facts.isStranger && base !== undefined
      ? await readTarget(jobs, { commit, base, planFacts, loader }, deps, signal)
      : undefined
  return {
    file,
    ...present({ target }),
    ...(facts.isStranger && paths && { changed: changedBy(paths, file) }),
    ...present({ note: note?.slice(0, LONGEST_TEXT).toWellFormed() }),
    title: title.slice(0, LONGEST_TEXT).toWellFormed(),
    author: author.slice(0, LONGEST_TEXT).toWellFormed(),
    fetchMs,
    parseMs: performance.now() - startedAt,
  }
}

/** An include that was dropped needs no entry: dropping it has changed narwhal.yml or another include. */
function changedBy(paths: readonly string[], file: ParsedFile): ChangedFiles {
  const { included = [] } = file.ok ? file.plan : {}
  return changedFiles(paths, new Set([FILE, ...included.map(({ source }) => source)]))
}

/** What a commit is compared with, and what it changes. Rejects with the signal's reason only. */
async function compare(
  commit: CommitSource,
  facts: EventFacts,
  deps: { readonly mirrors: MirrorCache; readonly env: GitEnv },
  signal: AbortSignal,
): Promise<{ readonly base?: string; readonly changed: ChangedPaths }> {
  const found = await findBase(commit, facts, deps, signal)
  if ('unknown' in found) return { changed: found }
  const { base } = found
  const range = { event: facts.event, base, sha: commit.sha }
  const changed = await deps.mirrors.read(commit, signal, (path) =>
    changedPaths(path, range, { env: deps.env, signal }),
  )
  return { base, changed }
}

/** Whether another plan would be made of the file if nothing had changed. */
async function dependsOnPaths(
  file: ParsedFile,
  parse: (facts: PlanFacts) => Promise<ParsedFile>,
  facts: PlanFacts,
): Promise<boolean> {
  if (!file.ok) return false
  const other = await parse({ ...facts, changedPaths: [] })
  return !other.ok || !isDeepStrictEqual(file.plan, other.plan)
}

interface TargetOrder extends Pick<PlanOrder, 'commit'> {
  readonly base: string
  readonly planFacts: PlanFacts
  /** Of the stranger's commit. */
  readonly loader: IncludeLoader
}

/** Planned with the same facts and includes as the stranger's file, so that the same jobs are skipped. */
async function readTarget(
  jobs: PipelinePlan['jobs'],
  { commit, base, planFacts, loader }: TargetOrder,
  { mirrors, parser }: { readonly mirrors: MirrorCache; readonly parser: PipelineParser },
  signal: AbortSignal,
): Promise<PlannedCommit['target']> {
  const text = await mirrors
    .read(commit, signal, async (_path, objects) => {
      // If it is missing, the mirror need not be broken.
      if ((await objects.info(base)) === undefined) return undefined
      const { tree } = await readCommit(objects, base)
      return (await readTextFile(objects, tree, FILE)) ?? NO_FILE_THERE
    })
    .catch(() => undefined)
  signal.throwIfAborted()
  if (text === NO_FILE_THERE) return { missing: [], mayFail: [], runsNothing: true }
  if (typeof text !== 'string') return undefined
  const ofTarget = loader.at({ ...commit, sha: base })
  const file = await withIncludes(
    (included) => parser.parse(text, planFacts, included),
    (ref) => ofTarget.load(ref),
  )
  if (!file.ok) return undefined
  const wanted = file.plan.jobs.filter(({ leftOut }) => leftOut === undefined)
  const run = new Set(jobs.filter(({ leftOut }) => leftOut === undefined).map(({ name }) => name))
  return {
    missing: wanted.map(({ name }) => name).filter((name) => !run.has(name)),
    mayFail: wanted.filter(({ allowFailure }) => allowFailure).map(({ name }) => name),
    runsNothing: wanted.length === 0,
  }
}

function planFactsOf(
  { ref, sha, repositoryName }: CommitSource,
  facts: EventFacts,
  read: { about: CommitText; changed: readonly string[] | undefined },
): PlanFacts {
  const { event, actions, isStranger, targetBranch, request, inputs, jobs, from } = facts
  return {
    event,
    isStranger,
    inputs,
    ref,
    sha,
    repository: repositoryName,
    title: facts.title || read.about.title,
    author: facts.author || read.about.author,
    ...present({ actions, targetBranch, request, jobs, from, changedPaths: read.changed }),
  }
}

/** Why a file can't be read. */
interface Unreadable {
  readonly message: string
  readonly isMissing?: true
}

/** The file's text, or why there is none. */
async function readFile(
  objects: ObjectReader,
  sha: string,
  tree: string,
): Promise<string | Unreadable> {
  const text = await readTextFile(objects, tree, FILE)
  if (text !== undefined) return text
  return {
    message: `there is no ${FILE} at commit ${sha}: add one; the shortest is \`${SHORTEST_FILE}\``,
    isMissing: true,
  }
}

function unreadable({ message, isMissing }: Unreadable): ParsedFile {
  return {
    ok: false,
    problems: [{ message, line: 1, column: 1, excerpt: '' }],
    ...present({ isMissing }),
  }
}
