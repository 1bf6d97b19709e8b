import { NarwhalError } from '../../lib/errors.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import { parseCloneUrl } from '../../lib/git/git.ts'
import { quoteUrl } from '../../lib/without-credentials.ts'

/** From where submodules and files of a commit may be fetched; the commit names their URLs, untrusted. */
export interface FetchPolicy {
  /** Of the repository that was registered. */
  readonly cloneUrl: string
  /** Whether the commit is a stranger's. */
  readonly isStranger: boolean
  /** Further allowed hosts, as `host` or `host:port`; `*`: any. */
  readonly hosts: readonly string[]
}

/**
 * Checks a URL that a commit names, for a submodule or files kept elsewhere, and returns it as git
 * accepts it. Allows https to allowed hosts; http and ssh to the repository's own host if the
 * repository itself is fetched that way, and to allowed hosts if it is a local path. Since ssh uses the
 * runner's keys, it is refused for strangers' commits. Throws `invalid` with `what` it is for and why
 * it is refused.
 */
export function checkFetchUrl(text: string, policy: FetchPolicy, what: string): string {
  const refuse = (why: string): never => {
    throw new NarwhalError('invalid', `${what} is at ${quoteUrl(text)}: ${why}`)
  }
  let checked: { readonly url: string; readonly local: boolean }
  try {
    checked = parseCloneUrl(text)
  } catch (cause) {
    const why = "only https is allowed, or http and ssh to the repository's own host"
    throw new NarwhalError('invalid', `${what} is at ${quoteUrl(text)}: ${why}`, { cause })
  }
  if (checked.local) return refuse('local paths are not fetched')
  const own = placeOf(policy.cloneUrl)
  const { protocol, host } = placeOf(checked.url) ?? refuse('its host is unknown')
  if (host !== own?.host && !isListed(host, policy.hosts)) {
    return refuse(
      `it is on a different host than the repository; the runner's operator can allow ${host} by NARWHAL_FETCH_HOSTS`,
    )
  }
  if (protocol === 'https:') return checked.url
  // A local repository has no host of its own.
  if (own && (host !== own.host || protocol !== own.protocol)) {
    return refuse(`${protocol.slice(0, -1)} is only used if the repository itself is fetched by it`)
  }
  if (protocol === 'ssh:' && policy.isStranger) {
    return refuse("the runner's keys are not used for a stranger's commit")
  }
  return checked.url
}

/** How the part of a URL ends that names the host: of `https://…`, of `user@host:path`. */
const HOST = /^[a-z]+:\/\/[^/]+/
const SCP_HOST = /^(?:[^/[]*\[[^\]]*\]|[^/:]*)(?=:)/

/**
 * Resolves a relative submodule URL as git does, textually: `./x` is below the base, `../x` next to it. Others
 * are returned as they are. Throws `invalid` where git would go on to take the host away.
 */
export function resolveUrl(text: string, base: string): string {
  if (!/^\.\.?\//.test(text)) return text
  const host = (HOST.exec(base) ?? SCP_HOST.exec(base))?.[0] ?? ''
  const isScpLike = base[host.length] === ':'
  let url = base.replace(/\/$/, '')
  let separator = '/'
  let rest = text
  for (;;) {
    if (rest.startsWith('./')) {
      rest = rest.slice(2)
    } else if (rest.startsWith('../')) {
      const slash = url.lastIndexOf('/')
      const isColon = slash < host.length && isScpLike && url.length > host.length
      if (slash < host.length && !isColon) {
        throw new NarwhalError('invalid', `${quoteUrl(text)} leads out of ${host || '/'}`)
      }
      url = url.slice(0, isColon ? host.length : slash)
      separator = isColon ? ':' : '/'
      rest = rest.slice(3)
    } else {
      return url + separator + rest.replace(/\/$/, '')
    }
  }
}

function placeOf(url: string): { protocol: string; host: string } | undefined {
  if (URL.canParse(url)) {
    const { protocol, host, hostname } = new URL(url)
    if (/^(?:https?|ssh):$/.test(protocol)) {
      return { protocol, host: (protocol === 'ssh:' ? hostname : host).toLowerCase() }
    }
  }
  const [, host] = /^(?:[^@/]+@)?([^:/]+):/.exec(url) ?? []
  return host === undefined ? undefined : { protocol: 'ssh:', host: host.toLowerCase() }
}

/** Whether a URL's host is the repository's own, or was allowed by name, not by `*`. */
export function isNamed({ protocol, host, hostname }: URL, policy: FetchPolicy): boolean {
  const place = (protocol === 'ssh:' ? hostname : host).toLowerCase()
  return (
    place === placeOf(policy.cloneUrl)?.host ||
    hostname.toLowerCase() === cloneHost(policy.cloneUrl).toLowerCase() ||
    policy.hosts.some((one) => one.toLowerCase() === place)
  )
}

function isListed(host: string, hosts: readonly string[]): boolean {
  return hosts.some((one) => one === '*' || one.toLowerCase() === host)
}
