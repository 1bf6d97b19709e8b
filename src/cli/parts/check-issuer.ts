import { DISCOVERY_PATH } from '../../contract/id-tokens/documents.ts'
import type { IdTokenDocuments } from '../../contract/rest/rest-id-tokens.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import { tlsFetch } from '../../lib/tls/tls-fetch.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'

const TIMEOUT_MS = 10_000
const MOST_BYTES = 256 * 1024

/**
 * Fetches the documents at the issuer, as a cloud does: over https, without redirects, and trusting only
 * what it finds there. Resolves to the problems found.
 */
export async function checkIssuer(
  wanted: IdTokenDocuments,
  tls: ClientTls | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const { issuer, jwks_uri: keysUrl } = wanted.discovery
  const at = `${issuer}${DISCOVERY_PATH}`
  const discovery = await fetchDocument(at, tls, signal)
  if (typeof discovery === 'string') return [discovery]
  const problems: string[] = []
  for (const [name, value] of Object.entries({ issuer, jwks_uri: keysUrl })) {
    const found = discovery[name]
    if (found === value) continue
    problems.push(`${at}: ${name} is ${JSON.stringify(found)}, expected ${JSON.stringify(value)}`)
  }
  const shown = await fetchDocument(keysUrl, tls, signal)
  if (typeof shown === 'string') return [...problems, shown]
  return [...problems, ...differences(keysUrl, wanted.keys.keys, shown['keys'])]
}

function differences(
  at: string,
  wanted: IdTokenDocuments['keys']['keys'],
  found: unknown,
): string[] {
  const keys = (Array.isArray(found) ? found : []) as Record<string, unknown>[]
  const missing = wanted.filter(
    (key) => !keys.some((one) => one['kid'] === key.kid && one['n'] === key['n']),
  )
  const known = new Set<unknown>(wanted.map(({ kid }) => kid))
  const left = keys.filter(({ kid }) => !known.has(kid))
  return [
    ...missing.map(({ kid }) => `${at}: key ${kid} is missing: tokens it signed will be rejected`),
    ...left.map(({ kid }) => `${at}: key ${String(kid)} no longer belongs to this server`),
  ]
}

/** The document, or the problem. */
async function fetchDocument(
  at: string,
  tls: ClientTls | undefined,
  signal: AbortSignal,
): Promise<Record<string, unknown> | string> {
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
    const headers = { accept: 'application/json' }
    const answer = await tlsFetch(new URL(at), { method: 'GET', headers, signal: either }, tls)
    if (answer.status !== 200) {
      await answer.body?.cancel()
      return `${at} returned ${answer.status}; expected 200 without a redirect`
    }
    const text = await readText(answer)
    const value = text === undefined ? undefined : parseJson(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
    return `${at} is not a JSON document`
  } catch (error) {
    signal.throwIfAborted()
    return `${at} can't be fetched: ${describeConnectError(error)}`
  }
}

/** Undefined if it is larger than such a document may be. */
async function readText(answer: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
