import { z } from 'zod'
import { NarwhalError } from '../../../lib/errors.ts'
import { parseJson } from '../../../lib/parse-json.ts'
import { askOnce } from '../../../lib/reach/ask-once.ts'
import { nearest } from '../../../lib/reach/hosts.ts'
import type { Nearness } from '../../../lib/reach/reach.ts'
import { describeConnectError } from '../../../lib/tls/connect-errors.ts'
import { withoutCredentials } from '../../../lib/without-credentials.ts'
import type { FetchHosts } from '../fetch-hosts.ts'
import type { LfsEndpoint } from './lfs-endpoint.ts'
import type { LfsPointer } from './pointer.ts'

/** Where an object can be downloaded. */
export interface LfsDownload extends LfsPointer {
  readonly href: string
  readonly headers: Readonly<Record<string, string>>
  /** The nearness of the server that named it. */
  readonly by: Nearness
}

const MEDIA_TYPE = 'application/vnd.git-lfs+json'
const ANSWER_MS = 60_000
const LARGEST_ANSWER = 8 * 1024 * 1024

const answerBody = z.object({
  objects: z.array(
    z.object({
      oid: z.string(),
      size: z.number(),
      actions: z
        .object({
          download: z
            .object({
              href: z.url({ protocol: /^https?$/ }),
              header: z.record(z.string(), z.string()).optional(),
            })
            .optional(),
        })
        .optional(),
      error: z.object({ code: z.number(), message: z.string() }).optional(),
    }),
  ),
})

/**
 * Asks a Git LFS server where these objects are, at most a hundred (docs/api/batch.md of git-lfs).
 * Rejects with `unavailable`, also if some are missing. Follows no redirect.
 */
export async function askForObjects(
  endpoint: LfsEndpoint,
  objects: readonly LfsPointer[],
  asking: Asking,
): Promise<LfsDownload[]> {
  const shown = withoutCredentials(endpoint.url)
  const refuse = (why: string, cause?: unknown): NarwhalError =>
    new NarwhalError('unavailable', `the Git LFS server ${shown} ${why}`, { cause })
  const { status, text, by } = await ask(endpoint, objects, asking).catch((error: unknown) => {
    asking.signal.throwIfAborted()
    throw refuse(`does not answer: ${describeConnectError(error)}`, error)
  })
  if (status === 401 || status === 403) {
    throw refuse(`answered ${status}: the runner has no credentials for it`)
  }
  if (status !== 200) throw refuse(`answered ${status}`)
  const answer = answerBody.safeParse(parseJson(text))
  if (!answer.success) throw refuse('sent an invalid response')
  const byOid = new Map(answer.data.objects.map((object) => [object.oid, object]))
  return objects.map(({ oid, size }) => {
    const found = byOid.get(oid)
    const download = found?.actions?.download
    if (!download) {
      const { code, message } = found?.error ?? {
        code: 404,
        message: 'it is missing from the response',
      }
      const said = withoutCredentials(message)
        .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
        .slice(0, 200)
      throw refuse(`has no object ${oid.slice(0, 12)}: ${code} ${said}`)
    }
    if (endpoint.url.startsWith('https:') && !download.href.startsWith('https:')) {
      throw refuse('redirects to a server without TLS')
    }
    return { oid, size, href: download.href, headers: download.header ?? {}, by }
  })
}

interface Asking {
  readonly hosts: FetchHosts
  readonly signal: AbortSignal
}

async function ask(
  endpoint: LfsEndpoint,
  objects: readonly LfsPointer[],
  { hosts, signal }: Asking,
) {
  const url = new URL(`${endpoint.url}/objects/batch`)
  const found = await hosts.find(url, endpoint.by)
  const request = {
    url,
    method: 'POST',
    headers: { ...endpoint.headers, accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE },
    body: JSON.stringify({
      operation: 'download',
      transfers: ['basic'],
      objects: objects.map(({ oid, size }) => ({ oid, size })),
      hash_algo: 'sha256',
    }),
    mostBytes: LARGEST_ANSWER + 1,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  }
  const { status, text } = await askOnce(request, found)
  if (Buffer.byteLength(text) > LARGEST_ANSWER) throw new Error('its response is too long')
  return { status, text, by: nearest(found) }
}
