import type { ErrorBody } from '../../src/contract/rest/rest.ts'

/** What the server answered instead of what was asked for, in its words. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status; 0 when the server could not be reached. */
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** Reads JSON under `/api/v1`; rejects with ApiError, or AbortError when aborted. */
export function getJson<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>(path, signal ? { signal } : {})
}

/** Sends a command; rejects with ApiError. */
export function postJson<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  return send<Answer>('POST', path, body)
}

export function patchJson<Answer>(path: string, body: unknown): Promise<Answer> {
  return send<Answer>('PATCH', path, body)
}

export function putJson<Answer>(path: string, body: unknown): Promise<Answer> {
  return send<Answer>('PUT', path, body)
}

export function deleteJson<Answer>(path: string): Promise<Answer> {
  return ask<Answer>(path, { method: 'DELETE' })
}

function send<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  return ask<Answer>(path, { method, headers, body: JSON.stringify(body) })
}

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  let answer: WholeAnswer
  try {
    answer = await readTwice(`/api/v1${path}`, { ...init, credentials: 'same-origin' })
  } catch (cause) {
    if (init.signal?.aborted) throw cause
    throw new ApiError(0, "Narwhal can't be reached", { cause })
  }
  const { status, ok, text } = answer
  const body = parse(text)
  if (ok && body === undefined && text !== '') {
    throw new ApiError(
      status,
      'what answered was not Narwhal: a proxy, or a sign-in page of a network',
    )
  }
  if (ok) return body as Answer
  if (status === 401) tellSignedOut()
  const { message } = (body ?? {}) as Partial<ErrorBody>
  throw new ApiError(status, message || `Narwhal answered ${status}`)
}

interface WholeAnswer {
  readonly status: number
  readonly ok: boolean
  readonly text: string
}

/**
 * A network that changes (a laptop that moves, a bridge for containers that comes) breaks off what
 * is under way. To read once more does no harm; a command may have been done.
 */
async function readTwice(url: string, init: RequestInit): Promise<WholeAnswer> {
  try {
    return await read(url, init)
  } catch (reason) {
    if (init.method !== undefined || init.signal?.aborted) throw reason
    return await read(url, init)
  }
}

/** An answer counts only whole: its body can break off as well as its beginning. */
async function read(url: string, init: RequestInit): Promise<WholeAnswer> {
  const response = await fetch(url, init)
  return { status: response.status, ok: response.ok, text: await response.text() }
}

/** The value, or undefined where there is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const signedOut = new Set<() => void>()

/** Says that the page's token, if it has one, opens nothing. */
export function tellSignedOut(): void {
  for (const listener of signedOut) listener()
}

/** Calls the listener whenever a token is wanted; returns how to stop. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener)
  return () => void signedOut.delete(listener)
}
