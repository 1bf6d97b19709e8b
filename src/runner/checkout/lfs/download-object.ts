import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { dirname } from 'node:path'
import { backoff } from '../../../lib/async/backoff.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { openAnswer } from '../../../lib/reach/ask-once.ts'
import { nearest } from '../../../lib/reach/hosts.ts'
import { describeConnectError } from '../../../lib/tls/connect-errors.ts'
import type { FetchHosts } from '../fetch-hosts.ts'
import type { LfsDownload } from './lfs-batch.ts'

const TRIES = 3
const MOST_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308])

interface DownloadOptions {
  readonly hosts: FetchHosts
  readonly signal: AbortSignal
}

/**
 * Downloads an object to this path, where it appears atomically, and only if its hash is right. Retries
 * after errors of the network or the server. Rejects with `unavailable`.
 */
export async function downloadObject(
  object: LfsDownload,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  for (let failures = 0; ; failures++) {
    const part = `${path}.${randomBytes(6).toString('hex')}.part`
    try {
      await writePart(object, part, options)
      await rename(part, path)
      return
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof NarwhalError || failures + 1 >= TRIES) throw explain(object, error)
      await backoff(failures, { firstMs: 300, maxMs: 3_000 }, options.signal)
    } finally {
      await rm(part, { force: true })
    }
  }
}

/** Throws a NarwhalError for what a retry would not change. */
async function writePart(object: LfsDownload, part: string, options: DownloadOptions) {
  await using given = await ask(object, options)
  const { statusCode = 0 } = given.answer
  if (statusCode >= 500 || statusCode === 429) throw new Error(`it answered ${statusCode}`)
  if (statusCode !== 200) throw new NarwhalError('unavailable', `it answered ${statusCode}`)
  await writeAnswer(object, given.answer, part)
}

/** Requests it and follows redirects; credentials are sent to the first origin only. */
async function ask(
  { href, headers, by }: LfsDownload,
  { hosts, signal }: DownloadOptions,
): Promise<{ readonly answer: IncomingMessage } & AsyncDisposable> {
  let url = new URL(href)
  let named = by
  let shown = headers
  for (let hops = 0; ; hops++) {
    const found = await hosts.find(url, named)
    const { asked, answer } = await openAnswer(
      { url, method: 'GET', headers: shown, signal },
      found,
    )
    const { location } = answer.headers
    if (!REDIRECTS.has(answer.statusCode) || location === undefined) {
      return { answer, [Symbol.asyncDispose]: async () => void asked.destroy() }
    }
    asked.destroy()
    if (hops === MOST_REDIRECTS) throw new NarwhalError('unavailable', 'too many redirects')
    const next = nextUrl(location, url)
    if (next.origin !== url.origin) shown = {}
    named = nearest(found)
    url = next
  }
}

function nextUrl(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) throw new NarwhalError('unavailable', 'invalid redirect')
  const next = new URL(location, from)
  const isWeb = next.protocol === 'https:' || next.protocol === from.protocol
  if (!isWeb) throw new NarwhalError('unavailable', 'it redirects to a server without TLS')
  return next
}

async function writeAnswer({ oid, size }: LfsDownload, answer: IncomingMessage, part: string) {
  const hash = createHash('sha256')
  let bytes = 0
  await using file = await open(part, 'wx', 0o600)
  for await (const chunk of answer) {
    const piece = chunk as Uint8Array
    bytes += piece.length
    if (bytes > size)
      throw new NarwhalError('unavailable', 'it sent more than the size of the object')
    hash.update(piece)
    await file.writeFile(piece)
  }
  if (bytes < size) throw new Error('it ended early')
  if (hash.digest('hex') !== oid) throw new NarwhalError('unavailable', 'it sent something else')
}

/** Only the URL's host is shown: the rest may contain credentials. */
function explain({ oid, href }: LfsDownload, error: unknown): NarwhalError {
  const why = error instanceof NarwhalError ? error.message : describeConnectError(error)
  const what = `can't download Git LFS object ${oid.slice(0, 12)} from ${new URL(href).host}`
  return new NarwhalError('unavailable', `${what}: ${why}`, { cause: error })
}
