import { once } from 'node:events'
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Pinned } from './reach.ts'

/** So much of an answer is read; what is behind it is nobody's business. */
const MOST_ANSWER_BYTES = 64 * 1024

export interface Question {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Also ends it while the answer is read. */
  readonly signal: AbortSignal
}

export interface OneAnswer {
  readonly status: number
  readonly headers: Headers
  /** Its beginning, 64 KiB at the most. */
  readonly text: string
}

/**
 * One request to an address that was found out before, by a connection of its own: the name is not looked up
 * again, no redirect is followed, and no more than 64 KiB of the answer is read. Rejects with the socket's
 * error, or the signal's reason.
 */
export async function askOnce(
  { url, method, headers, body, signal }: Question,
  { address, family }: Pinned,
): Promise<OneAnswer> {
  const pinned: LookupFunction = (_hostname, options, done) => {
    if (options.all) done(null, [{ address, family }])
    else done(null, address, family)
  }
  const length = String(Buffer.byteLength(body))
  const options = {
    method,
    headers: { ...headers, 'content-length': length },
    signal,
    agent: false,
    lookup: pinned,
  } as const
  const asked = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options)
  // A refusal may come as two errors: that of writing, and the other side's.
  asked.on('error', () => {})
  try {
    asked.end(body)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    return {
      status: answer.statusCode ?? 0,
      headers: headersOf(answer),
      text: await readStart(answer),
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    asked.destroy()
  }
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  return headers
}

async function readStart(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length >= MOST_ANSWER_BYTES) break
  }
  return Buffer.concat(chunks).subarray(0, MOST_ANSWER_BYTES).toString()
}
