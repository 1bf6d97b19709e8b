import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { hasCode, NarwhalError } from '../../lib/errors.ts'
import { type GitEnv, git } from '../../lib/git/git.ts'
import { LOCAL_WAY } from '../../lib/git/git-way.ts'
import { listRefs } from '../mirror/mirror-refs.ts'
import type { ObjectReader } from '../mirror/object-reader.ts'
import { isTag, lacksOwnTag } from '../mirror/read-commit.ts'
import { OUTPUT_FILE } from '../steps/collect-outputs.ts'

/** Exists during a fetch, which only brings tags together with a ref that it stores. */
const KEPT_REF = 'refs/narwhal/commit'

export interface CheckoutOptions {
  /** The bare mirror; it has the commit. */
  readonly mirror: string
  readonly objects: ObjectReader
  /** An existing folder, empty except for what an earlier try left. */
  readonly folder: string
  readonly env: GitEnv
  readonly signal: AbortSignal
  /** Limits the history to this many commits, without tags; the whole history by default. */
  readonly depth?: number
  /** Then only objects that the commit reaches are copied. */
  readonly isStranger?: boolean
}

/**
 * Creates an independent repository in the folder, with a detached HEAD at the commit, the mirror's
 * tags, and the whole history, so that `git log` and `git describe` work in the job; or, with a depth,
 * with a limited history and no tags.
 *
 * A stranger's repository has only what its commit reaches, with the tags in that: the mirror's packs
 * also hold force-pushed commits and other pull requests, which `git cat-file` would find.
 *
 * The packs are copied (as reflinks if the file system can), and never hard-linked or borrowed: the job
 * may write to its own, and that must not reach the mirror. The files of `.git` are written here, and
 * refs read as files, because each call of git costs as much as all of that.
 */
export async function checkOut(commit: CommitSource, options: CheckoutOptions): Promise<void> {
  const { mirror, folder, env, signal, depth, isStranger = false } = options
  const isWhole = depth === undefined && !isStranger
  const dotGit = join(folder, '.git')
  // An earlier try may have copied from a broken mirror.
  await rm(dotGit, { recursive: true, force: true })
  // Refs before packs: the objects of a listed ref are then in an existing pack.
  const [tags] = await Promise.all([
    isWhole ? tagsFor(commit, options) : new Map<string, string>(),
    mkdir(join(dotGit, 'objects', 'pack'), { recursive: true }),
    mkdir(join(dotGit, 'refs'), { recursive: true }),
    mkdir(join(dotGit, 'info'), { recursive: true }),
  ])
  await Promise.all([
    isWhole && copyPacks(join(mirror, 'objects', 'pack'), join(dotGit, 'objects', 'pack')),
    copyShallow(mirror, dotGit),
    writeFile(join(dotGit, 'HEAD'), `${commit.sha}\n`),
    writeFile(join(dotGit, 'config'), config(commit)),
    // What steps write there for Narwhal must not be committed.
    writeFile(join(dotGit, 'info', 'exclude'), `/${OUTPUT_FILE}\n`),
    writeFile(
      join(dotGit, 'packed-refs'),
      `${[...tags].map(([ref, id]) => `${id} ${ref}\n`).join('')}${branch(commit)}`,
    ),
  ])
  if (!isWhole) await fetchReachable(commit, options)
  if (depth !== undefined) await writeOwnTag(commit, dotGit)
  // A workspace need not survive a power cut; many files are written by several workers.
  const settings = ['-c', 'core.fsync=none', '-c', 'checkout.workers=0']
  await git([...settings, 'checkout', '--quiet', '--force', '--detach', commit.sha, '--'], {
    cwd: folder,
    env,
    signal,
  })
  const head = (await readFile(join(dotGit, 'HEAD'), 'utf8')).trim()
  if (head !== commit.sha) {
    throw new NarwhalError('internal', `checked out ${head} instead of ${commit.sha}`)
  }
}

/**
 * Fetches what the commit reaches, or its newest commits, from the mirror, which is a local path. Tags
 * that point into it are fetched, too, as a ref is stored.
 */
async function fetchReachable(
  { sha }: CommitSource,
  { mirror, folder, env, signal, depth }: CheckoutOptions,
): Promise<void> {
  const which = depth === undefined ? [] : ['--no-tags', `--depth=${depth}`]
  const what = depth === undefined ? `${sha}:${KEPT_REF}` : sha
  const settings = ['-c', 'core.fsync=none', '-c', 'fetch.unpackLimit=1']
  const how = ['--quiet', '--no-write-fetch-head', '--no-auto-maintenance', ...which]
  const fetch = ['fetch', ...how, '--', mirror, what]
  await git([...settings, ...fetch], { cwd: folder, env, signal, way: LOCAL_WAY })
  await rm(join(folder, '.git', KEPT_REF), { force: true })
}

/** The mirror's tags, always including the one that the commit comes from: at the remote it may have moved on. */
async function tagsFor(
  commit: CommitSource,
  { mirror, objects }: CheckoutOptions,
): Promise<Map<string, string>> {
  const tags = await listRefs(mirror, 'refs/tags')
  if (await lacksOwnTag(commit, tags, objects)) tags.set(commit.ref, commit.sha)
  return tags
}

/** A shallow checkout has at least its own tag, for `git describe`. */
async function writeOwnTag({ ref, sha }: CommitSource, dotGit: string): Promise<void> {
  if (!isTag(ref)) return
  const file = join(dotGit, ref)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${sha}\n`)
}

/** The mirror of a working tree that is a shallow clone is shallow, too: git must know where its history ends. */
async function copyShallow(mirror: string, dotGit: string): Promise<void> {
  await copyFile(join(mirror, 'shallow'), join(dotGit, 'shallow')).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
}

async function copyPacks(from: string, to: string): Promise<void> {
  const names = await readdir(from)
  // The index is written last: a pack without one is incomplete.
  const packs = names.filter((name) => name.endsWith('.idx')).map((name) => name.slice(0, -3))
  const files = packs.flatMap((pack) =>
    ['pack', 'idx', 'rev'].map((kind) => pack + kind).filter((file) => names.includes(file)),
  )
  try {
    // More at once would wait for the folder, and turn the processor meanwhile.
    const lanes = [files.filter((_, at) => at % 2 === 0), files.filter((_, at) => at % 2 === 1)]
    const copy = async (lane: readonly string[]): Promise<void> => {
      for (const file of lane) {
        await copyFile(join(from, file), join(to, file), constants.COPYFILE_FICLONE)
      }
    }
    await Promise.all(lanes.map(copy))
  } catch (error) {
    // A pack that has just disappeared was joined with others into a new one.
    if (!hasCode(error, 'ENOENT')) throw error
    await copyPacks(from, to)
  }
}

function branch(commit: CommitSource): string {
  const name = /^refs\/heads\/(.+)$/.exec(commit.ref)?.[1]
  return name === undefined ? '' : `${commit.sha} refs/remotes/origin/${name}\n`
}

function config(commit: CommitSource): string {
  const quoted = `"${commit.cloneUrl.replace(/["\\]/g, '\\$&')}"`
  const core = 'filemode = true\n\tbare = false\n\tlogallrefupdates = true'
  const format =
    commit.sha.length === 64
      ? `[core]\n\trepositoryformatversion = 1\n\t${core}\n[extensions]\n\tobjectformat = sha256\n`
      : `[core]\n\trepositoryformatversion = 0\n\t${core}\n`
  return `${format}[remote "origin"]\n\turl = ${quoted}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`
}
