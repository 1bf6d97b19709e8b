import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connectTo, type HostAddress } from './hosts.ts'

/** By default, the rest of an answer is not read. */
const MAX_ANSWER_BYTES = 64 * 1024
const SILENCE_MS = 60_000

export interface Question {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** How much of the answer is read; 64 KiB by default. */
  readonly mostBytes?: number
  /** Also aborts reading the answer. */
  readonly signal: AbortSignal
}

export interface OneAnswer {
  readonly status: number
  readonly headers: Headers
  /** The first `mostBytes` of the body. */
  readonly text: string
}

/**
 * One request to addresses that were looked up before, on a connection of its own: the name is not looked up
 * again, no redirect is followed, and at most `mostBytes` of the answer are read. Rejects with the socket's
 * error, or the signal's reason.
 */
export async function askOnce(
  question: Question,
  found: readonly [HostAddress, ...HostAddress[]],
): Promise<OneAnswer> {
  const { mostBytes = MAX_ANSWER_BYTES } = question
  const { asked, answer } = await openAnswer(question, found)
  try {
    return {
      status: answer.statusCode ?? 0,
      headers: headersOf(answer),
      text: await readStart(answer, mostBytes),
    }
  } catch (error) {
    question.signal.throwIfAborted()
    throw error
  } finally {
    asked.destroy()
  }
}

/** The same, with the whole answer as a stream: the caller reads it, and destroys the request at the end. */
export async function openAnswer(
  { url, method, headers, body, signal }: Question,
  found: readonly [HostAddress, ...HostAddress[]],
): Promise<{ readonly asked: ClientRequest; readonly answer: IncomingMessage }> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const options = {
    method,
    headers: { ...headers, ...length },
    signal,
    agent: false,
    timeout: SILENCE_MS,
    lookup: connectTo(found),
  } as const
  const asked = url.protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options)
  // A rejection may arrive as two errors: that of our write, and the peer's.
  asked.on('error', () => {})
  asked.on('timeout', () => asked.destroy(new Error(`no answer within ${SILENCE_MS / 1000} s`)))
  try {
    asked.end(body)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    return { asked, answer }
  } catch (error) {
    asked.destroy()
    signal.throwIfAborted()
    throw error
  }
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  return headers
}

async function readStart(answer: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length >= mostBytes) break
  }
  return Buffer.concat(chunks).subarray(0, mostBytes).toString()
}
