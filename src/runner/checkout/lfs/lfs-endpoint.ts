import { execFile } from 'node:child_process'
import { z } from 'zod'
import { childError } from '../../../lib/child-error.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { cloneHost } from '../../../lib/git/clone-host.ts'
import { type GitEnv, processEnv, SSH_OPTIONS } from '../../../lib/git/git.ts'
import { sshPlace } from '../../../lib/git/ssh-place.ts'
import { sshWay } from '../../../lib/git/ssh-way.ts'
import { parseJson } from '../../../lib/parse-json.ts'
import { ANY_HOSTS, nearest } from '../../../lib/reach/hosts.ts'
import type { Nearness } from '../../../lib/reach/reach.ts'
import { shellQuote } from '../../../lib/shell-quote.ts'
import { checkFetchUrl, type FetchPolicy } from '../fetch-policy.ts'

/** A server of Git LFS, and what its requests must carry. */
export interface LfsEndpoint {
  /** Without a slash at the end. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** How near the server is that named it; absent: it is where the repository is, or where its commit may say. */
  readonly by?: Nearness
}

const AUTHENTICATE_MS = 30_000

const authenticated = z.object({
  href: z.url({ protocol: /^https?$/ }),
  header: z.record(z.string(), z.string()).optional(),
})

/**
 * The server of Git LFS of a repository: what `.lfsconfig` of the commit says, as far as the policy
 * lets it, else the one beside the repository. Over ssh the repository's host is asked for it, as
 * git-lfs does. Rejects with `invalid` or `unavailable`.
 */
export async function lfsEndpoint(
  configured: string | undefined,
  { cloneUrl }: { readonly cloneUrl: string },
  { policy, env, signal }: { policy: FetchPolicy; env: GitEnv; signal: AbortSignal },
): Promise<LfsEndpoint> {
  if (configured !== undefined) {
    const url = checkFetchUrl(configured, policy, 'the server of Git LFS in .lfsconfig')
    if (!/^https?:/.test(url)) {
      throw new NarwhalError('invalid', '.lfsconfig must name the server of Git LFS by https')
    }
    return { url: url.replace(/\/$/, ''), headers: {} }
  }
  if (/^https?:/.test(cloneUrl)) {
    const url = cloneUrl.replace(/\/$/, '')
    return { url: `${url}${url.endsWith('.git') ? '' : '.git'}/info/lfs`, headers: {} }
  }
  const answer = await authenticate(cloneUrl, { env, signal })
  // Of a host that only ssh knows, which is no reason to let it lead further in.
  const by = await (env.hosts ?? ANY_HOSTS)
    .find(cloneHost(cloneUrl))
    .then(nearest, () => 'public' as const)
  return { ...answer, by }
}

/** docs/api/server-discovery.md of git-lfs: `ssh host git-lfs-authenticate path download`. */
async function authenticate(
  cloneUrl: string,
  { env, signal }: { env: GitEnv; signal: AbortSignal },
): Promise<LfsEndpoint> {
  const place = sshPlace(cloneUrl)
  const { target, port, path } = place
  const command = `git-lfs-authenticate ${shellQuote(path)} download`
  const where = port === '' ? [] : ['-p', port]
  const refuse = (why: string): NarwhalError =>
    new NarwhalError('unavailable', `${target} gives no access to Git LFS: ${why}`)
  const way = await sshWay(place, { env, signal })
  const args = [...SSH_OPTIONS, ...way, ...where, '--', target, command]
  const { promise, resolve } = Promise.withResolvers<string | NarwhalError>()
  const options = { timeout: AUTHENTICATE_MS, maxBuffer: 64 * 1024, signal, env: processEnv(env) }
  execFile('ssh', args, options, (error, stdout, stderr) =>
    // What was said may hold what authenticates: of it only the reason is told.
    resolve(error ? childError('ssh git-lfs-authenticate', error, stderr) : stdout),
  ).stdin?.end()
  const said = await promise
  signal.throwIfAborted()
  if (said instanceof NarwhalError) throw refuse(said.message)
  const answer = authenticated.safeParse(parseJson(said))
  if (!answer.success) throw refuse('its answer is none')
  const { href, header = {} } = answer.data
  return { url: href.replace(/\/$/, ''), headers: header }
}
