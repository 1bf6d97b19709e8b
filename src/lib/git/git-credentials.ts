import { isOwnServer } from './own-server.ts'

/** With what git shows itself to a repository's own server, and to no other. */
export interface GitCredentials {
  readonly http?: HttpCredentials
  readonly ssh?: SshIdentity
}

export interface HttpCredentials {
  readonly username: string
  /** Or a token. */
  readonly password: string
}

export interface SshIdentity {
  /** In OpenSSH's or PKCS 8's PEM form. */
  readonly privateKey: string
  /** Lines of known_hosts(5): what the server must show. Empty: what this machine knows counts. */
  readonly knownHosts: string
}

/**
 * The header `Authorization` for a request to `url`; undefined without credentials, and for any server but that of
 * the repository's own clone URL.
 */
export function authorizationFor(
  clone: { readonly url: string; readonly credentials?: GitCredentials },
  url: string,
): string | undefined {
  const http = clone.credentials?.http
  if (!http || !isOwnServer(clone.url, url)) return undefined
  return `Basic ${Buffer.from(`${http.username}:${http.password}`).toString('base64')}`
}
