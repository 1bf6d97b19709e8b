import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { describeError, NarwhalError } from '../errors.ts'
import type { Logger } from '../log.ts'

/** Paths of PEM files, by setting. */
export interface TlsPaths {
  /** A certificate, followed by its intermediates. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Authorities for client certificates. */
  readonly clientCa?: string | undefined
  /** Authorities to trust in addition to the system's. */
  readonly ca?: string | undefined
}

export interface ClientTls {
  /** For `tls.connect` and everything based on it; read it for each connection, it changes. */
  readonly options: {
    readonly secureContext: SecureContext
    readonly checkServerIdentity?: () => undefined
  }
  /** The same for `https.request`. */
  readonly agent: Agent
}

export interface ServerTls {
  /** For `https.createServer` and `http2.createSecureServer`. */
  readonly options: ServerOptions
  /** Updates the server's certificates whenever the files have changed, until it closes. */
  follow(server: FollowingServer): void
}

export interface ServerOptions {
  readonly cert: string
  readonly key: string
  readonly ca?: string
  readonly requestCert: boolean
  readonly rejectUnauthorized: true
  readonly minVersion: 'TLSv1.2'
}

export interface FollowingServer {
  setSecureContext(options: ServerOptions): void
  on(event: 'tlsClientError', listener: (error: Error, socket: Peer) => void): unknown
  on(event: 'close', listener: () => void): unknown
}

interface Peer {
  readonly remoteAddress?: string | undefined
}

type Texts = { readonly [Name in keyof TlsPaths]: string | undefined }

export interface TlsFilesOptions {
  /** Names of the files in messages; by default, the settings of a process. */
  readonly names?: Readonly<Record<keyof TlsPaths, string>>
  /** Whether only `ca` is trusted, if set, and not the system's authorities. */
  readonly onlyCa?: boolean
  /** Milliseconds between two checks of the files; 30,000 by default. */
  readonly checkMs?: number
}

const SETTINGS = {
  cert: '--tls-cert',
  key: '--tls-key',
  clientCa: '--tls-client-ca',
  ca: '--tls-ca',
}
const NAMES = ['cert', 'key', 'clientCa', 'ca'] as const
const MIN_VERSION = 'TLSv1.2'
const CHECK_MS = 30_000
const LOG_INTERVAL_MS = 10_000

/**
 * The certificates of a process. The files are re-read every half minute; changes apply to new connections
 * and end no existing one. Invalid files are reported once, and the previous ones stay in use.
 */
export class TlsFiles implements Disposable {
  readonly #paths: TlsPaths
  readonly #options: TlsFilesOptions
  readonly #log: Logger
  readonly #servers = new Set<FollowingServer>()
  readonly #timer: NodeJS.Timeout
  #texts: Texts
  /** Why the files were rejected, so as to report it once. */
  #refused: string | undefined
  #context: SecureContext
  #agent: Agent
  #loggedAt = -Infinity

  /** Throws `invalid` when a file is missing, is not PEM, or does not fit the others. */
  static open(paths: TlsPaths, log: Logger, options: TlsFilesOptions = {}): TlsFiles {
    const names = options.names ?? SETTINGS
    requirePairs(paths, names)
    const texts = Object.fromEntries(
      NAMES.map((name) => [name, paths[name] && readOrRefuse(paths[name], names[name])]),
    )
    return new TlsFiles(paths, texts, log, options)
  }

  private constructor(paths: TlsPaths, texts: Texts, log: Logger, options: TlsFilesOptions) {
    this.#paths = paths
    this.#options = options
    this.#log = log
    requireUsable(paths, texts, options.names)
    this.#texts = texts
    this.#context = contextOf(texts, options.onlyCa)
    this.#agent = agentOf(this.#context)
    this.#warn()
    this.#timer = setInterval(() => void this.check(), options.checkMs ?? CHECK_MS).unref()
  }

  /** Re-reads the files and applies changes. */
  async check(): Promise<void> {
    let texts: Texts | undefined
    try {
      texts = Object.fromEntries(
        await Promise.all(
          NAMES.map(async (name) => [name, await readIfNamed(this.#paths[name])] as const),
        ),
      )
      if (NAMES.every((name) => texts?.[name] === this.#texts[name])) return
      requireUsable(this.#paths, texts, this.#options.names)
      this.#context = contextOf(texts, this.#options.onlyCa)
      this.#agent = agentOf(this.#context)
      this.#texts = texts
    } catch (error) {
      // A pair is often written one file after the other: the next check reads both.
      const refused = describeError(error)
      if (refused === this.#refused) return
      this.#refused = refused
      this.#log.warn(
        { reason: refused },
        'keeping the previous TLS files: the new ones are invalid',
      )
      return
    }
    this.#refused = undefined
    this.#log.info('TLS files reloaded')
    this.#warn()
    const { server } = this
    if (server) for (const one of this.#servers) one.setSecureContext(server.options)
  }

  get client(): ClientTls {
    const context = (): SecureContext => this.#context
    const agent = (): Agent => this.#agent
    return {
      options: {
        get secureContext() {
          return context()
        },
      },
      get agent() {
        return agent()
      },
    }
  }

  /** Undefined without a certificate. */
  get server(): ServerTls | undefined {
    if (!serverOptions(this.#texts)) return undefined
    const options = (): ServerOptions => serverOptions(this.#texts) as ServerOptions
    return {
      get options() {
        return options()
      },
      follow: (server) => this.#follow(server),
    }
  }

  /** A client for this process's own server, whatever name its certificate is for. */
  get ownClient(): ClientTls | undefined {
    const { cert, key } = this.#texts
    if (!cert || !key) return undefined
    const secureContext = createSecureContext({
      ca: cert,
      cert,
      key,
      minVersion: MIN_VERSION,
      allowPartialTrustChain: true,
    })
    const checkServerIdentity = (): undefined => undefined
    const options = { secureContext, checkServerIdentity }
    return { options, agent: new Agent({ keepAlive: true, ...options }) }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#servers.clear()
  }

  #follow(server: FollowingServer): void {
    this.#servers.add(server)
    server.on('close', () => this.#servers.delete(server))
    server.on('tlsClientError', (error, peer) => {
      const now = performance.now()
      const isQuiet = now - this.#loggedAt < LOG_INTERVAL_MS
      if (!isQuiet) this.#loggedAt = now
      const about = { from: peer.remoteAddress, reason: describeError(error) }
      this.#log[isQuiet ? 'debug' : 'warn'](about, 'connection refused: TLS handshake failed')
    })
  }

  #warn(): void {
    const { cert, key } = this.#paths
    if (cert && this.#texts.cert) {
      const { validFromDate, validToDate } = new X509Certificate(this.#texts.cert)
      const now = Date.now()
      const until = validToDate.toISOString()
      if (validToDate.getTime() < now) {
        this.#log.warn({ file: cert, until }, 'TLS certificate expired: replace the file')
      } else if (validFromDate.getTime() > now) {
        this.#log.warn({ file: cert }, 'TLS certificate not valid yet: check the clock')
      }
    }
    if (key && isOpenToOthers(key)) {
      this.#log.warn({ file: key }, 'TLS key is readable by others: chmod o-r it')
    }
  }
}

function requirePairs(
  { cert, key, clientCa }: TlsPaths,
  names: Readonly<Record<keyof TlsPaths, string>>,
): void {
  if (cert && !key) throw invalid(`${names.cert} needs its key: set ${names.key}`)
  if (key && !cert) throw invalid(`${names.key} needs its certificate: set ${names.cert}`)
  if (clientCa && !cert) {
    throw invalid('--tls-client-ca requires TLS: set --tls-cert and --tls-key as well')
  }
}

function readOrRefuse(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw invalid(`${name}: ${path} can't be read: ${describeError(cause)}`, cause)
  }
}

async function readIfNamed(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readFile(path, 'utf8')
}

function requireUsable(
  paths: TlsPaths,
  { cert, key, clientCa, ca }: Texts,
  names: Readonly<Record<keyof TlsPaths, string>> = SETTINGS,
): void {
  // Not by their length: an empty file is being written; one that is not set is undefined.
  if (cert !== undefined && key !== undefined) {
    const certificate = certificatesIn(cert, `${names.cert}: ${paths.cert}`)[0]
    const privateKey = privateKeyIn(key, `${names.key}: ${paths.key}`)
    if (!certificate?.checkPrivateKey(privateKey)) {
      throw invalid(`the key ${paths.key} does not match the certificate ${paths.cert}`)
    }
  }
  if (clientCa !== undefined) certificatesIn(clientCa, `${names.clientCa}: ${paths.clientCa}`)
  if (ca !== undefined) certificatesIn(ca, `${names.ca}: ${paths.ca}`)
}

const PEM = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END [A-Z0-9 ]+-----/g

function certificatesIn(text: string, what: string): X509Certificate[] {
  const blocks = text.match(PEM) ?? []
  if (blocks.length === 0) throw invalid(`${what} contains no PEM certificate`)
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (cause) {
    throw invalid(
      `${what} contains a certificate that can't be read: ${describeError(cause)}`,
      cause,
    )
  }
}

function privateKeyIn(text: string, what: string) {
  try {
    return createPrivateKey(text)
  } catch (cause) {
    const words = /ENCRYPTED/.test(text)
      ? 'is encrypted: store it without a passphrase, readable by its user only'
      : 'contains no PEM private key'
    throw invalid(`${what} ${words}`, cause)
  }
}

function contextOf({ cert, key, ca }: Texts, onlyCa = false): SecureContext {
  return createSecureContext({
    minVersion: MIN_VERSION,
    ...(ca ? { ca: onlyCa ? ca : [...getCACertificates('default'), ca] } : {}),
    ...(cert && key ? { cert, key } : {}),
  })
}

/** An agent keeps its options for life; connections of the previous one end when idle. */
function agentOf(secureContext: SecureContext): Agent {
  return new Agent({ keepAlive: true, timeout: 5_000, scheduling: 'lifo', secureContext })
}

function serverOptions({ cert, key, clientCa }: Texts): ServerOptions | undefined {
  if (!cert || !key) return undefined
  return {
    cert,
    key,
    ...(clientCa ? { ca: clientCa } : {}),
    requestCert: clientCa !== undefined,
    rejectUnauthorized: true,
    minVersion: MIN_VERSION,
  }
}

function isOpenToOthers(path: string): boolean {
  try {
    return (statSync(path).mode & 0o004) !== 0
  } catch {
    return false
  }
}

function invalid(words: string, cause?: unknown): NarwhalError {
  return new NarwhalError('invalid', words, cause === undefined ? {} : { cause })
}
