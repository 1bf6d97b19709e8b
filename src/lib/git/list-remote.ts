import type { GitWay } from './git.ts'
import { type CloneUrl, type GitOptions, git } from './git.ts'
import { followingRedirects } from './git-redirects.ts'

type Options = Pick<GitOptions, 'env' | 'signal'>

const HEADS = 'refs/heads/'
const TAGS = 'refs/tags/'
const PEELED = '^{}'

/**
 * The refs of a remote repository by full name; an annotated tag is at the commit that it points to. A
 * pattern is a full name, or has one `*`, which matches anything. If only branches and tags are requested,
 * the server sends no others (protocol version 2, gitprotocol-v2(5)).
 */
export async function listRemote(
  clone: CloneUrl,
  patterns: readonly string[],
  options: Options,
): Promise<Map<string, string>> {
  const isOnly = patterns.every((one) => one.startsWith(HEADS) || one.startsWith(TAGS))
  // For a pattern alone git asks the server for everything.
  const kinds = isOnly
    ? [[HEADS, '--heads'] as const, [TAGS, '--tags'] as const].flatMap(([prefix, option]) =>
        patterns.some((one) => one.startsWith(prefix)) ? [option] : [],
      )
    : []
  const refs = new Map<string, string>()
  const wanted = patterns.flatMap((one) => [one, `${one}${PEELED}`])
  for (const [sha, ref] of await askRemote(clone, kinds, wanted, options)) {
    // A tag is listed first, then, as `tag^{}`, what it stands for.
    const name = ref.endsWith(PEELED) ? ref.slice(0, -PEELED.length) : ref
    // git takes a pattern for the end of a name: `refs/original/refs/heads/x` matches, too.
    if (patterns.some((pattern) => matches(name, pattern))) refs.set(name, sha)
  }
  return refs
}

/** The commit that HEAD of a remote repository is at, and its branch, where the server names that. */
export async function findRemoteHead(
  clone: CloneUrl,
  options: Options,
): Promise<{ readonly sha: string; readonly branch: string | undefined } | undefined> {
  let branch: string | undefined
  for (const [what, ref] of await askRemote(clone, ['--symref'], ['HEAD'], options)) {
    if (ref !== 'HEAD') continue
    const [, target] = /^ref: (refs\/heads\/.+)$/.exec(what) ?? []
    if (target === undefined) return { sha: what, branch }
    branch = target
  }
  return undefined
}

/** The two columns of `git ls-remote`. */
async function askRemote(
  clone: CloneUrl,
  kinds: readonly string[],
  patterns: readonly string[],
  options: Options,
): Promise<[string, string][]> {
  const ask = (url: string, way: GitWay): Promise<string> =>
    git(['ls-remote', ...kinds, '--', url, ...patterns], { ...options, way, timeoutMs: 60_000 })
  const text = await followingRedirects(clone, ask, options)
  return text.split('\n').flatMap((line): [string, string][] => {
    const [what, ref] = line.split('\t')
    return what && ref ? [[what, ref]] : []
  })
}

function matches(name: string, pattern: string): boolean {
  const [before = '', after] = pattern.split('*')
  return after === undefined ? name === pattern : name.startsWith(before) && name.endsWith(after)
}
