import { z } from 'zod'
import { type CommitSource, cloneUrlOf } from '../../../contract/rpc/attempt.ts'
import { childError } from '../../../lib/child-error.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { cloneHost } from '../../../lib/git/clone-host.ts'
import { type GitEnv, processEnv, SSH_OPTIONS } from '../../../lib/git/git.ts'
import { authorizationFor } from '../../../lib/git/git-credentials.ts'
import { gitReason } from '../../../lib/git/git-reason.ts'
import { openIdentity } from '../../../lib/git/ssh-identity.ts'
import { sshPlace } from '../../../lib/git/ssh-place.ts'
import { sshWay } from '../../../lib/git/ssh-way.ts'
import { parseJson } from '../../../lib/parse-json.ts'
import { present } from '../../../lib/present.ts'
import { runToEnd } from '../../../lib/programs/run-program.ts'
import { ANY_HOSTS, nearest } from '../../../lib/reach/hosts.ts'
import type { Nearness } from '../../../lib/reach/reach.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'
import { checkFetchUrl, type FetchPolicy } from '../fetch-policy.ts'

/** A Git LFS server, and the headers that its requests need. */
export interface LfsEndpoint {
  /** Without a trailing slash. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** The nearness of the server that named it; absent: the repository or its commit did. */
  readonly by?: Nearness
}

const AUTHENTICATE_MS = 30_000

const authenticated = z.object({
  href: z.url({ protocol: /^https?$/ }),
  header: z.record(z.string(), z.string()).optional(),
})

/**
 * The Git LFS server of a repository: the one in the commit's `.lfsconfig`, if the policy allows it,
 * otherwise the repository's own. Over ssh the repository's host is asked for it, as git-lfs does.
 * Rejects with `invalid` or `unavailable`.
 */
export async function lfsEndpoint(
  configured: string | undefined,
  commit: Pick<CommitSource, 'cloneUrl' | 'credentials'>,
  { policy, env, signal }: { policy: FetchPolicy; env: GitEnv; signal: AbortSignal },
): Promise<LfsEndpoint> {
  const { cloneUrl } = commit
  // The repository's credentials are for its own: what a commit names may be another repository's.
  if (configured !== undefined) {
    const url = checkFetchUrl(configured, policy, 'the Git LFS server in .lfsconfig')
    if (!/^https?:/.test(url)) {
      throw new NarwhalError('invalid', '.lfsconfig must name the Git LFS server by https')
    }
    return { url: url.replace(/\/$/, ''), headers: {} }
  }
  if (/^https?:/.test(cloneUrl)) {
    const url = cloneUrl.replace(/\/$/, '')
    const authorization = authorizationFor(cloneUrlOf(commit), url)
    const headers = present({ authorization })
    return { url: `${url}${url.endsWith('.git') ? '' : '.git'}/info/lfs`, headers }
  }
  const answer = await authenticate(commit, { env, signal })
  // A host that only ssh can resolve may lead to public hosts only.
  const by = await (env.hosts ?? ANY_HOSTS)
    .find(cloneHost(cloneUrl))
    .then(nearest, () => 'public' as const)
  return { ...answer, by }
}

/** docs/api/server-discovery.md of git-lfs: `ssh host git-lfs-authenticate path download`. */
async function authenticate(
  { cloneUrl, credentials }: Pick<CommitSource, 'cloneUrl' | 'credentials'>,
  { env, signal }: { env: GitEnv; signal: AbortSignal },
): Promise<LfsEndpoint> {
  await using identity = credentials?.ssh && (await openIdentity(credentials.ssh))
  const place = sshPlace(cloneUrl)
  const { target, port, path } = place
  const command = `git-lfs-authenticate ${shellQuote(path)} download`
  const where = port === '' ? [] : ['-p', port]
  const refuse = (why: string): NarwhalError =>
    new NarwhalError('unavailable', `${target} gives no access to Git LFS: ${why}`)
  const way = await sshWay(place, { env, signal })
  const args = [
    ...SSH_OPTIONS,
    ...(identity?.options ?? []),
    ...way,
    ...where,
    '--',
    target,
    command,
  ]
  const result = await runToEnd(['ssh', ...args], {
    timeoutMs: AUTHENTICATE_MS,
    maxBytes: 64 * 1024,
    signal,
    env: processEnv(env),
  })
  if (result.code !== 0 || result.trouble) {
    // The output may contain credentials: only the reason is reported.
    throw refuse(childError('ssh git-lfs-authenticate', result, result.stderr, gitReason).message)
  }
  const answer = authenticated.safeParse(parseJson(result.stdout))
  if (!answer.success) throw refuse('its response is invalid')
  const { href, header = {} } = answer.data
  return { url: href.replace(/\/$/, ''), headers: header }
}
