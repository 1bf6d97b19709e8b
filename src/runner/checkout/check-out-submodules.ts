import { createHash } from 'node:crypto'
import { appendFile, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import type { MirroredCommit } from '../mirror/mirror.ts'
import type { MirrorCache } from '../mirror/mirror-cache.ts'
import { FetchHosts } from './fetch-hosts.ts'
import { checkFetchUrl, type FetchPolicy, resolveUrl } from './fetch-policy.ts'
import { inTurns } from './in-turns.ts'
import { readSubmodules, type Submodule } from './read-submodules.ts'

const MOST_SUBMODULES = 100
const DEEPEST = 8
const AT_ONCE = 4

/** A repository in the workspace. */
export interface CheckedOut {
  readonly commit: MirroredCommit
  readonly folder: string
}

export interface SubmoduleOptions {
  readonly mirrors: MirrorCache
  readonly policy: FetchPolicy
  readonly env: GitEnv
  readonly signal: AbortSignal
  /** Checks a submodule's commit out into its folder, which exists and is empty. */
  readonly checkOut: (module: CheckedOut) => Promise<void>
}

/**
 * Checks out submodules recursively, each as a repository of its own in its folder, from a mirror of
 * its own. git-submodule(1) is not used: it is controlled by configuration that comes with the commit.
 * Rejects with `invalid` if there are too many, too deep, or not allowed, and as
 * `MirrorCache.fetchCommit` does. Returns all of them.
 */
export async function checkOutSubmodules(
  root: CheckedOut,
  options: SubmoduleOptions,
): Promise<CheckedOut[]> {
  const all: CheckedOut[] = []
  let level: CheckedOut[] = [root]
  for (let depth = 1; level.length > 0; depth++) {
    const most = MOST_SUBMODULES - all.length
    const lists = await inTurns(level, AT_ONCE, (one) => place(one, { ...options, most }))
    level = lists.flat()
    if (level.length > most) {
      throw new NarwhalError('invalid', `there are more than ${MOST_SUBMODULES} submodules`)
    }
    if (level.length > 0 && depth > DEEPEST) {
      throw new NarwhalError('invalid', `submodules are nested more than ${DEEPEST} deep`)
    }
    await inTurns(level, AT_ONCE, async (module) => {
      await options.mirrors.fetchCommit(module.commit, options.signal)
      await options.checkOut(module)
    })
    all.push(...level)
  }
  return all
}

/** The sources and folders of one repository's submodules. */
async function place(
  parent: CheckedOut,
  { mirrors, policy, env, signal, most }: SubmoduleOptions & { readonly most: number },
): Promise<CheckedOut[]> {
  const { commit, folder } = parent
  const named = await mirrors.read(commit, signal, (mirror, objects) =>
    readSubmodules({ mirror, objects, sha: commit.sha }, { most, env, signal }),
  )
  const fetching = new FetchHosts(policy, env.hosts ?? ANY_HOSTS)
  const placed: CheckedOut[] = []
  let config = ''
  for (const module of named) {
    const path = module.path.join('/')
    const what = `submodule ${JSON.stringify(path)} of ${commit.repositoryName}`
    const cloneUrl = checkFetchUrl(resolve(module, commit, what), policy, what)
    await requireFolders(folder, module.path, what)
    const bounded = await fetching.forSubmodule(cloneUrl)
    placed.push({
      folder: join(folder, ...module.path),
      commit: {
        repositoryId: `repo_submodule${digest(bounded ? `${cloneUrl} ${bounded.bound}` : cloneUrl)}`,
        repositoryName: `${commit.repositoryName}/${path}`,
        cloneUrl,
        ref: 'HEAD',
        sha: module.sha,
        ...present({ hosts: bounded?.hosts }),
      },
    })
    // For git inside the job.
    config += `[submodule ${quoted(module.name)}]\n\tactive = true\n\turl = ${quoted(cloneUrl)}\n`
  }
  if (config !== '') await appendFile(join(folder, '.git', 'config'), config)
  return placed
}

function resolve({ url }: Submodule, { cloneUrl }: CommitSource, what: string): string {
  try {
    return resolveUrl(url, cloneUrl)
  } catch (error) {
    throw new NarwhalError('invalid', `${what}: ${describeError(error)}`, { cause: error })
  }
}

/** Folders that git created; none may lead out of the workspace, even on a case-insensitive file system. */
async function requireFolders(
  folder: string,
  parts: readonly string[],
  what: string,
): Promise<void> {
  for (let i = 1; i <= parts.length; i++) {
    const found = await lstat(join(folder, ...parts.slice(0, i))).catch(() => undefined)
    if (!found?.isDirectory()) throw new NarwhalError('invalid', `${what}: its path isn't a folder`)
  }
}

/** As git-config(1) reads it; neither names nor URLs have control characters. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/** The name of the mirror of a URL, which is shared by those who may fetch from it. */
function digest(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 32)
}
