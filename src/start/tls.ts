import type { Config } from '../config/config.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import { isLoopback } from '../lib/reach/loopback.ts'
import { type ClientTls, type ServerTls, TlsFiles } from '../lib/tls/tls-files.ts'

/** How a process speaks TLS; all absent without settings for it. */
export interface Tls extends Disposable {
  /** For whatever this process listens with. */
  readonly server?: ServerTls
  /** For whatever this process connects to. */
  readonly client?: ClientTls
  /** For this process's own server. */
  readonly ownClient?: ClientTls
}

type TlsSetting = 'tls-cert' | 'tls-key' | 'tls-client-ca' | 'tls-ca'

/**
 * Reads the certificates that the settings name; throws `invalid` where they can't be used. Warns
 * when tokens would come in clear text, unless `takesTokens` is false. Dispose after the servers.
 */
export function openTls(
  context: { readonly config: Config<TlsSetting | 'host'>; readonly log: Logger },
  { takesTokens = true }: { readonly takesTokens?: boolean } = {},
): Tls {
  const { config, log } = context
  const { host, 'tls-cert': cert, 'tls-key': key, 'tls-client-ca': clientCa, 'tls-ca': ca } = config
  if (takesTokens && !cert && !isLoopback(host)) {
    log.warn(
      `tokens travel to ${host} in clear text: set --tls-cert, or put a proxy with TLS before it`,
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
