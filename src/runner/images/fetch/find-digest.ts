import { NarwhalError } from '../../../lib/errors.ts'
import { askOnce, type OneAnswer } from '../../../lib/reach/ask-once.ts'
import type { Hosts } from '../../../lib/reach/hosts.ts'
import { DIGEST } from '../layout/manifest.ts'
import type { Login } from './login.ts'
import type { RegistryPlace } from './registry-place.ts'

/** Without all of them, a registry says of an image of another form that it doesn't exist. */
const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

export interface FindDigest {
  readonly place: RegistryPlace
  readonly login: Login | undefined
  readonly hosts: Hosts
  /** Then the server of tokens, which the registry names, must be a public one or the registry itself. */
  readonly isStranger: boolean
  readonly signal: AbortSignal
}

/**
 * `denied` and `unknown` are the registry's answers to one who may not, or to a name that it doesn't have;
 * `unclear` if another way must be tried.
 */
export type DigestAnswer =
  | { readonly kind: 'found'; readonly digest: string }
  | { readonly kind: 'denied' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unclear'; readonly why?: string }
  | { readonly kind: 'limited'; readonly retryAfterMs: number | undefined }

/** Asks a registry for an image's digest, by one HEAD request: those count towards no limit of the largest. */
export async function findDigest(find: FindDigest): Promise<DigestAnswer> {
  try {
    const first = await head(find)
    if (first.status !== 401) return answerOf(first)
    const authorization = await authorize(find, first.headers.get('www-authenticate') ?? '')
    if (authorization === undefined) return { kind: 'denied' }
    return answerOf(await head(find, authorization))
  } catch (error) {
    find.signal.throwIfAborted()
    if (error instanceof NarwhalError && error.code === 'forbidden') throw error
    return { kind: 'unclear' }
  }
}

function answerOf({ status, headers }: OneAnswer): DigestAnswer {
  if (status === 401 || status === 403) return { kind: 'denied' }
  if (status === 404) return { kind: 'unknown' }
  if (status === 429) return { kind: 'limited', retryAfterMs: retryAfterMs(headers) }
  const digest = status === 200 ? headers.get('docker-content-digest') : null
  return digest && DIGEST.test(digest) ? { kind: 'found', digest } : { kind: 'unclear' }
}

async function head({ place, hosts, signal }: FindDigest, authorization?: string) {
  const scheme = place.isLoopback ? 'http' : 'https'
  const url = new URL(`${scheme}://${place.host}/v2/${place.path}/manifests/${place.version}`)
  const headers = { accept: ACCEPT, ...(authorization ? { authorization } : {}) }
  hosts.check(url)
  return askOnce({ url, method: 'HEAD', headers, signal }, await hosts.find(url.hostname))
}

/** What the registry's challenge wants; undefined: there is no login, or it was refused. */
async function authorize(find: FindDigest, challenge: string): Promise<string | undefined> {
  const { login } = find
  if (/^basic\b/i.test(challenge)) return login?.kind === 'password' ? basic(login) : undefined
  const values = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
  )
  const realm = URL.parse(values.get('realm') ?? '')
  if (!/^bearer\b/i.test(challenge) || !realm) throw new NarwhalError('unavailable', 'no realm')
  const isPlain = realm.protocol === 'http:' && find.place.isLoopback
  if (realm.protocol !== 'https:' && !isPlain) throw new NarwhalError('unavailable', 'no TLS')
  const token = await askToken(find, realm, values)
  return token === undefined ? undefined : `Bearer ${token}`
}

async function askToken(
  { place, login, hosts: all, isStranger, signal }: FindDigest,
  realm: URL,
  values: ReadonlyMap<string, string>,
): Promise<string | undefined> {
  const scope = values.get('scope') ?? `repository:${place.path}:pull`
  const about = { service: values.get('service') ?? '', scope }
  const hosts = isStranger && realm.host !== place.host ? all.atMost('public') : all
  hosts.check(realm)
  const found = await hosts.find(realm.hostname)
  let answer: OneAnswer
  if (login?.kind === 'identity') {
    const grant = { grant_type: 'refresh_token', refresh_token: login.token, client_id: 'narwhal' }
    const body = new URLSearchParams({ ...about, ...grant }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    answer = await askOnce({ url: realm, method: 'POST', headers, body, signal }, found)
  } else {
    const url = new URL(realm)
    for (const [key, value] of Object.entries(about)) url.searchParams.set(key, value)
    const headers: Record<string, string> = login ? { authorization: basic(login) } : {}
    answer = await askOnce({ url, method: 'GET', headers, signal }, found)
  }
  if ([400, 401, 403].includes(answer.status)) return undefined
  const { token, access_token } = JSON.parse(answer.text) as Record<string, unknown>
  const given = token ?? access_token
  if (typeof given === 'string' && /^[\x21-\x7e]+$/.test(given)) return given
  throw new NarwhalError('unavailable', 'the registry gave no token')
}

function basic({ name, password }: Extract<Login, { kind: 'password' }>): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

const LONGEST_SECONDS = 3600

function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get('retry-after') ?? ''
  if (/^\d{1,6}$/.test(text)) return Math.min(Number(text), LONGEST_SECONDS) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at)
    ? undefined
    : Math.max(0, Math.min(at - Date.now(), LONGEST_SECONDS * 1000))
}
