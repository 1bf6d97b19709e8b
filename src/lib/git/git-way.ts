import { ANY_HOSTS, type HostAddress } from '../reach/hosts.ts'
import type { CloneUrl, GitEnv, GitWay } from './git.ts'
import { sshPlace } from './ssh-place.ts'
import { sshWay } from './ssh-way.ts'

/** Addresses of a URL's host; absent where git does not use HTTP. */
export type Found = readonly [HostAddress, ...HostAddress[]]

/** To a local path: only of a repository that the operator registered as such, or of a mirror. */
export const LOCAL_WAY: GitWay = { settings: ['protocol.file.allow=always'], ssh: [] }

/** Looks up the host of an `http:` or `https:` URL. Rejects as `Hosts.find` does. */
export async function findHttp(url: string, env: GitEnv): Promise<Found | undefined> {
  if (!/^https?:/.test(url)) return undefined
  return await (env.hosts ?? ANY_HOSTS).find(new URL(url).hostname)
}

interface WayOptions {
  readonly env: GitEnv
  readonly signal?: AbortSignal | undefined
  /** The value of the header `Authorization`, if git uses HTTP. */
  readonly authorization?: string | undefined
  /** Options of ssh, for an identity of the repository. */
  readonly identity?: readonly string[] | undefined
}

/** The way to a URL; `found`: the addresses of its host, if git uses HTTP. */
export async function wayTo(
  { url, local }: Pick<CloneUrl, 'url' | 'local'>,
  found: Found | undefined,
  options: WayOptions,
): Promise<GitWay> {
  if (local) return LOCAL_WAY
  if (!found) {
    const ssh = [...(options.identity ?? []), ...(await sshWay(sshPlace(url), options))]
    return { settings: ['protocol.ssh.allow=always'], ssh }
  }
  const { protocol, port, origin } = new URL(url)
  const addresses = found.map(({ address, family }) => (family === 6 ? `[${address}]` : address))
  // For every name, however curl spells it (with a trailing dot, say), at the one port that is used.
  const pin = `*:${port || (protocol === 'https:' ? '443' : '80')}:${addresses.join(',')}`
  const allowed = `protocol.${protocol.slice(0, -1)}.allow=always`
  const way = { settings: [allowed, `http.curloptResolve=${pin}`], ssh: [] }
  const { authorization } = options
  return authorization === undefined ? way : { ...way, env: headerFor(origin, authorization) }
}

/** As git-config(1) reads it from its environment: for this origin only. */
function headerFor(origin: string, authorization: string): Record<string, string> {
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: ${authorization}`,
  }
}
