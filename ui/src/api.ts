import type { ErrorBody } from '../../src/contract/rest.ts'

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
  let response: Response
  try {
    response = await fetchTwice(`/api/v1${path}`, { ...init, credentials: 'same-origin' })
  } catch (cause) {
    if (init.signal?.aborted) throw cause
    throw new ApiError(0, "Narwhal can't be reached", { cause })
  }
  const body = (await response.json().catch(() => undefined)) as unknown
  if (response.ok) return body as Answer
  if (response.status === 401) for (const listener of signedOut) listener()
  const { message } = (body ?? {}) as Partial<ErrorBody>
  throw new ApiError(response.status, message ?? `Narwhal answered ${response.status}`)
}

/**
 * A network that changes (a laptop that moves, a bridge for containers that comes) breaks off what
 * is under way. To read once more does no harm; a command may have been done.
 */
async function fetchTwice(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (reason) {
    if (init.method !== undefined || init.signal?.aborted) throw reason
    return await fetch(url, init)
  }
}

const signedOut = new Set<() => void>()

/** Calls the listener whenever the API wants a token; returns how to stop. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener)
  return () => void signedOut.delete(listener)
}
