/** The parts of `ssh://user@host:port/path` or `user@host:path`, as ssh reads them. */
export interface SshPlace {
  /** With its user, if any. */
  readonly target: string
  readonly host: string
  /** Empty for the default port. */
  readonly port: string
  readonly path: string
}

/** `url` has passed `parseCloneUrl`: neither host nor user can be taken for an option. */
export function sshPlace(url: string): SshPlace {
  if (url.startsWith('ssh://')) {
    const { username, hostname, port, pathname } = new URL(url)
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const target = username === '' ? host : `${decodeURIComponent(username)}@${host}`
    return { target, host, port, path: decodeURIComponent(pathname) }
  }
  const at = url.indexOf(':')
  const target = url.slice(0, at)
  return { target, host: target.replace(/^.*@/, ''), port: '', path: url.slice(at + 1) }
}
