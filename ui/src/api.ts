import type { AnswerOf, GivenTo } from '../../src/contract/rest/endpoints/endpoint.ts'
import type { EndpointName, Endpoints } from '../../src/contract/rest/endpoints/endpoints.ts'
import { type Named, pathTo, ROUTES } from '../../src/contract/rest/endpoints/routes.ts'
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

/** What an endpoint takes, but for its name. */
export type Given<Name extends EndpointName> = GivenTo<Endpoints[Name]>

/** What it answers. */
export type Answer<Name extends EndpointName> = AnswerOf<Endpoints[Name]>

/** Asks an endpoint of the API; rejects with ApiError, or AbortError when aborted. */
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
  // The server gives nothing that is not of this type; to look again would take a library.
  return (await ask(linkTo(name, given), init)) as Answer<Name>
}

/** Where an endpoint is, with what it is asked. */
export function linkTo<Name extends EndpointName>(name: Name, given: Given<Name>): string {
  return pathTo(ROUTES[name], given as Named)
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let answer: WholeAnswer
  try {
    answer = await readTwice(path, { ...init, credentials: 'same-origin' })
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
  if (ok) return body
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
