import type { GitWay } from './git.ts'
import { type CloneUrl, type GitOptions, git } from './git.ts'
import { followingRedirects } from './git-redirects.ts'

/** The refs of a remote repository by full name, as `git ls-remote` lists them; tags are peeled. */
export async function listRemote(
  clone: CloneUrl,
  patterns: readonly string[],
  options: Pick<GitOptions, 'env' | 'signal'>,
): Promise<Map<string, string>> {
  const ask = (url: string, way: GitWay): Promise<string> =>
    git(['ls-remote', '--', url, ...patterns], {
      ...options,
      way,
      timeoutMs: 60_000,
    })
  const text = await followingRedirects(clone, ask, options)
  const refs = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [sha, ref] = line.split('\t')
    // An annotated tag is listed twice; the second, `tag^{}`, is the commit it points to.
    if (sha && ref) refs.set(ref.replace(/\^\{\}$/, ''), sha)
  }
  return refs
}
