const HTTP_PORTS: ReadonlySet<string> = new Set(['', '80'])
const HTTPS_PORTS: ReadonlySet<string> = new Set(['', '443'])

/**
 * Whether a URL is at the server of the clone URL, so that its credentials may be sent there: at the same host and
 * port, or by https at a host that was named with http, each at its usual port.
 */
export function isOwnServer(cloneUrl: string, url: string): boolean {
  if (!URL.canParse(cloneUrl) || !URL.canParse(url)) return false
  const [own, other] = [new URL(cloneUrl), new URL(url)]
  if (!/^https?:$/.test(own.protocol) || !/^https?:$/.test(other.protocol)) return false
  if (own.origin === other.origin) return true
  const isUpgrade = own.protocol === 'http:' && other.protocol === 'https:'
  const isUsual = HTTP_PORTS.has(own.port) && HTTPS_PORTS.has(other.port)
  return isUpgrade && isUsual && own.hostname === other.hostname
}
