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

/** The way to a URL; `found`: the addresses of its host, if git uses HTTP. */
export async function wayTo(
  { url, local }: CloneUrl,
  found: Found | undefined,
  options: { readonly env: GitEnv; readonly signal?: AbortSignal | undefined },
): Promise<GitWay> {
  if (local) return LOCAL_WAY
  if (!found) {
    return { settings: ['protocol.ssh.allow=always'], ssh: await sshWay(sshPlace(url), options) }
  }
  const { protocol, port } = new URL(url)
  const addresses = found.map(({ address, family }) => (family === 6 ? `[${address}]` : address))
  // For every name, however curl spells it (with a trailing dot, say), at the one port that is used.
  const pin = `*:${port || (protocol === 'https:' ? '443' : '80')}:${addresses.join(',')}`
  const allowed = `protocol.${protocol.slice(0, -1)}.allow=always`
  return { settings: [allowed, `http.curloptResolve=${pin}`], ssh: [] }
}
