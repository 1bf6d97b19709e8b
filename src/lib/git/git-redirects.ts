import { describeError, NarwhalError } from '../errors.ts'
import { present } from '../present.ts'
import { askOnce } from '../reach/ask-once.ts'
import { adviseOnAccess } from './access-advice.ts'
import type { GitWay } from './git.ts'
import { type CloneUrl, type GitEnv, parseCloneUrl } from './git.ts'
import { authorizationFor } from './git-credentials.ts'
import { type Found, findHttp, wayTo } from './git-way.ts'
import { openIdentity } from './ssh-identity.ts'

interface Asking {
  readonly env: GitEnv
  readonly signal?: AbortSignal | undefined
}

export interface Following extends Asking {
  /** The addresses of the host, where they were looked up before. */
  readonly found?: Found | undefined
}

const MAX_REDIRECTS = 3
const ANSWER_MS = 20_000
const REFS = '/info/refs'
/** Git's message for a redirect: it is configured not to follow any. */
const REDIRECTED = /returned error: 30[12378]\b/

/**
 * Runs git with a URL and the way there, and again with the target of a redirect if that is on the same host
 * (a renamed repository; https instead of http). The host is looked up once for all of it. Rejects with
 * `unavailable` when the redirect leads elsewhere, since the server must not choose what this machine
 * connects to; and as `Hosts.find` does.
 */
export async function followingRedirects<Result>(
  clone: CloneUrl,
  run: (url: string, way: GitWay) => Promise<Result>,
  options: Following,
): Promise<Result> {
  const found = options.found ?? (await findHttp(clone.url, options.env))
  const { ssh } = clone.credentials ?? {}
  await using identity = ssh && !found ? await openIdentity(ssh) : undefined
  let { url } = clone
  for (let hops = 0; ; hops++) {
    const authorization = authorizationFor(clone, url)
    try {
      const how = { ...options, authorization, identity: identity?.options }
      return await run(url, await wayTo({ ...clone, url }, found, how))
    } catch (error) {
      const isRedirect = found && REDIRECTED.test(describeError(error))
      if (!isRedirect || hops === MAX_REDIRECTS) throw adviseOnAccess(error, clone)
      url = await nextUrl(url, found, { ...options, authorization })
    }
  }
}

async function nextUrl(
  url: string,
  found: Found,
  { signal, authorization }: Asking & { readonly authorization: string | undefined },
): Promise<string> {
  const asked = new URL(`${url.replace(/\/$/, '')}${REFS}?service=git-upload-pack`)
  const late = AbortSignal.timeout(ANSWER_MS)
  const refuse = (why: string, cause?: unknown): NarwhalError =>
    new NarwhalError('unavailable', `${url} redirects, and ${why}`, { cause })
  let location: string | null
  try {
    const both = signal ? AbortSignal.any([signal, late]) : late
    const question = {
      url: asked,
      method: 'GET',
      headers: present({ authorization }),
      signal: both,
    }
    location = (await askOnce(question, found)).headers.get('location')
  } catch (error) {
    signal?.throwIfAborted()
    throw refuse(`its target can't be read: ${describeError(error)}`, error)
  }
  if (location === null || !URL.canParse(location, asked.href))
    throw refuse('its target is missing')
  const target = new URL(location, asked)
  if (!isSameHost(asked, target)) {
    throw refuse(
      `its target is on another host: register the repository with its URL at ${target.host}`,
    )
  }
  if (!target.pathname.endsWith(REFS)) throw refuse('its target is not a repository')
  return parseCloneUrl(target.origin + target.pathname.slice(0, -REFS.length)).url
}

function isSameHost(from: URL, to: URL): boolean {
  if (from.origin === to.origin) return true
  return from.hostname === to.hostname && from.protocol === 'http:' && to.protocol === 'https:'
}
