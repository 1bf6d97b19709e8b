import type { CloneUrl, GitOptions } from './git.ts'
import { followingRedirects } from './git-redirects.ts'
import { listRefsOf } from './remote-refs.ts'

type Options = Pick<GitOptions, 'env' | 'signal'>

const HEAD = 'HEAD'
const PEELED = '^{}'

/**
 * The refs of a remote repository by full name; an annotated tag is at the commit that it points to. A
 * pattern is a full name, or has one `*`, which matches anything. The server sends only refs that begin as the
 * patterns do (protocol version 2, gitprotocol-v2(5)).
 */
export async function listRemote(
  clone: CloneUrl,
  patterns: readonly string[],
  options: Options,
): Promise<Map<string, string>> {
  const refs = await findRemoteRefs(clone, patterns, options)
  return new Map([...refs].map(([ref, { commit }]) => [ref, commit]))
}

/** What a ref is at: for an annotated tag `object` is the tag's. */
export interface RemoteRef {
  readonly object: string
  readonly commit: string
}

/** The same, with what the refs themselves are at. */
export async function findRemoteRefs(
  clone: CloneUrl,
  patterns: readonly string[],
  options: Options,
): Promise<Map<string, RemoteRef>> {
  const prefixes = patterns.map((pattern) => pattern.split('*', 1).join(''))
  return await followingRedirects(
    clone,
    async (url, way) => {
      const refs = new Map<string, RemoteRef>()
      const how = { ...options, way }
      for await (const { ref, id } of listRefsOf({ ...clone, url }, prefixes, how)) {
        // A tag is listed first, then, as `tag^{}`, what it stands for.
        const name = ref.endsWith(PEELED) ? ref.slice(0, -PEELED.length) : ref
        // Servers of version 0 send everything.
        if (!id || !patterns.some((pattern) => matches(name, pattern))) continue
        refs.set(name, { object: refs.get(name)?.object ?? id, commit: id })
      }
      return refs
    },
    options,
  )
}

/** The commit that HEAD of a remote repository is at, and its branch, where the server names that. */
export async function findRemoteHead(
  clone: CloneUrl,
  options: Options,
): Promise<{ readonly sha: string; readonly branch: string | undefined } | undefined> {
  return await followingRedirects(
    clone,
    async (url, way) => {
      let sha: string | undefined
      let branch: string | undefined
      for await (const { ref, id, target } of listRefsOf({ ...clone, url }, [HEAD], {
        ...options,
        way,
      })) {
        if (ref === HEAD && target?.startsWith('refs/heads/')) branch = target
        // Git's helper only says which branch it is.
        if (ref === HEAD || ref === branch) sha ??= id
      }
      return sha === undefined ? undefined : { sha, branch }
    },
    options,
  )
}

function matches(name: string, pattern: string): boolean {
  const [before = '', after] = pattern.split('*')
  return after === undefined ? name === pattern : name.startsWith(before) && name.endsWith(after)
}
