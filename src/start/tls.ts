import type { Config } from '../config/config.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import { isLoopback } from '../lib/reach/loopback.ts'
import { type ClientTls, type ServerTls, TlsFiles } from '../lib/tls/tls-files.ts'

/** A process's TLS settings; all absent if not configured. */
export interface Tls extends Disposable {
  /** For listening. */
  readonly server?: ServerTls
  /** For connections to other processes. */
  readonly client?: ClientTls
  /** For connections to this process's own server. */
  readonly ownClient?: ClientTls
}

type TlsSetting = 'tls-cert' | 'tls-key' | 'tls-client-ca' | 'tls-ca'

/**
 * Reads the configured certificates; throws `invalid` if they are unusable. Warns if tokens would be sent
 * in plain text, unless `takesTokens` is false. Dispose after the servers.
 */
export function openTls(
  context: { readonly config: Config<TlsSetting | 'host'>; readonly log: Logger },
  { takesTokens = true }: { readonly takesTokens?: boolean } = {},
): Tls {
  const { config, log } = context
  const { host, 'tls-cert': cert, 'tls-key': key, 'tls-client-ca': clientCa, 'tls-ca': ca } = config
  if (takesTokens && !cert && !isLoopback(host)) {
    log.warn(
      `tokens are sent to ${host} in plain text: set --tls-cert, or use a TLS proxy in front of it`,
    )
  }
  if (!cert && !key && !clientCa && !ca) return { [Symbol.dispose]: () => {} }
  const files = TlsFiles.open({ cert, key, clientCa, ca }, log)
  const { server, client, ownClient } = files
  return {
    client,
    ...present({ server, ownClient }),
    [Symbol.dispose]: () => files[Symbol.dispose](),
  }
}
