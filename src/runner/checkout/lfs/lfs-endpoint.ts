import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import { describeError, NarwhalError } from '../../../lib/errors.ts'
import { type GitEnv, SSH_OPTIONS } from '../../../lib/git.ts'
import { checkFetchUrl, type FetchPolicy } from '../fetch-policy.ts'

/** A server of Git LFS, and what its requests must carry. */
export interface LfsEndpoint {
  /** Without a slash at the end. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
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
  return await authenticate(cloneUrl, { env, signal })
}

/** docs/api/server-discovery.md of git-lfs: `ssh host git-lfs-authenticate path download`. */
async function authenticate(
  cloneUrl: string,
  { env, signal }: { env: GitEnv; signal: AbortSignal },
): Promise<LfsEndpoint> {
  const { target, port, path } = sshPlace(cloneUrl)
  const command = `git-lfs-authenticate '${path.replaceAll("'", "'\\''")}' download`
  const where = port === '' ? [] : ['-p', port]
  try {
    const run = promisify(execFile)
    const { stdout } = await run('ssh', [...SSH_OPTIONS, ...where, '--', target, command], {
      env: { ...env },
      signal,
      timeout: AUTHENTICATE_MS,
      maxBuffer: 64 * 1024,
    })
    const { href, header = {} } = authenticated.parse(JSON.parse(stdout))
    return { url: href.replace(/\/$/, ''), headers: header }
  } catch (cause) {
    signal.throwIfAborted()
    // What was said may hold what authenticates: of it only the reason is told.
    const isNone = cause instanceof z.ZodError || cause instanceof SyntaxError
    const why = isNone ? 'its answer is none' : describeError(cause)
    throw new NarwhalError('unavailable', `${target} gives no access to Git LFS: ${why}`)
  }
}

/** `cloneUrl` has been checked: neither host nor user can be taken for an option. */
function sshPlace(cloneUrl: string): { target: string; port: string; path: string } {
  if (URL.canParse(cloneUrl) && cloneUrl.startsWith('ssh:')) {
    const { username, hostname, port, pathname } = new URL(cloneUrl)
    const target = username === '' ? hostname : `${decodeURIComponent(username)}@${hostname}`
    return { target, port, path: decodeURIComponent(pathname) }
  }
  const at = cloneUrl.indexOf(':')
  return { target: cloneUrl.slice(0, at), port: '', path: cloneUrl.slice(at + 1) }
}
