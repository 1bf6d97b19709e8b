import type { AnswerOf, GivenTo } from '../../src/contract/rest/endpoints/endpoint.ts'
import type { EndpointName, Endpoints } from '../../src/contract/rest/endpoints/endpoints.ts'
import { type Named, pathTo, ROUTES } from '../../src/contract/rest/endpoints/routes.ts'
import type { ErrorBody } from '../../src/contract/rest/rest.ts'

/** An error response, with the server's message. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The HTTP status; 0 when the server could not be reached. */
  readonly status: number

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}

/** The parameters, query and body of an endpoint. */
export type Given<Name extends EndpointName> = GivenTo<Endpoints[Name]>

/** The response of an endpoint. */
export type Answer<Name extends EndpointName> = AnswerOf<Endpoints[Name]>

/** Calls an endpoint of the API; rejects with ApiError, or AbortError when aborted. */
export async function call<Name extends EndpointName>(
  name: Name,
  given: Given<Name>,
  signal?: AbortSignal,
): Promise<Answer<Name>> {
  const { method } = ROUTES[name]
  const { body } = given as { readonly body?: unknown }
  const sent =
    body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const init = { ...(method === 'GET' ? {} : { method }), ...sent, ...(signal ? { signal } : {}) }
  // The server guarantees the type; checking it again would take a library.
  return (await ask(linkTo(name, given), init)) as Answer<Name>
}

/** The path of an endpoint, with its query. */
export function linkTo<Name extends EndpointName>(name: Name, given: Given<Name>): string {
  return pathTo(ROUTES[name], given as Named)
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let answer: WholeAnswer
  try {
    answer = await readTwice(path, { ...init, credentials: 'same-origin' })
  } catch (cause) {
    if (init.signal?.aborted) throw cause
    throw new ApiError(0, "Can't reach Narwhal", { cause })
  }
  const { status, ok, text } = answer
  const body = parse(text)
  if (ok && body === undefined && text !== '') {
    throw new ApiError(
      status,
      'The response is not from Narwhal, but from a proxy or the sign-in page of a network',
    )
  }
  if (ok) return body
  if (status === 401) announceSignedOut()
  const { message } = (body ?? {}) as Partial<ErrorBody>
  throw new ApiError(status, message || `Narwhal returned ${status}`)
}

interface WholeAnswer {
  readonly status: number
  readonly ok: boolean
  readonly text: string
}

/**
 * A network change (a moving laptop, a new container bridge) aborts requests in flight. Reads are retried
 * once; a command may already have taken effect.
 */
async function readTwice(url: string, init: RequestInit): Promise<WholeAnswer> {
  try {
    return await read(url, init)
  } catch (reason) {
    if (init.method !== undefined || init.signal?.aborted) throw reason
    return await read(url, init)
  }
}

/** A response counts only if complete: its body can be cut off as well. */
async function read(url: string, init: RequestInit): Promise<WholeAnswer> {
  const response = await fetch(url, init)
  return { status: response.status, ok: response.ok, text: await response.text() }
}

/** The value, or undefined if it isn't JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const signedOut = new Set<() => void>()

/** Notifies listeners that the session is missing or has ended. */
export function announceSignedOut(): void {
  for (const listener of signedOut) listener()
}

/** Calls the listener whenever sign-in is required; returns how to stop. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener)
  return () => void signedOut.delete(listener)
}
