import { z } from 'zod'
import type { AnswerOf, Endpoint, GivenTo } from '../contract/rest/endpoints/endpoint.ts'
import {
  ENDPOINTS,
  type EndpointName,
  type Endpoints,
} from '../contract/rest/endpoints/endpoints.ts'
import { type Named, pathTo, ROUTES, urlOf } from '../contract/rest/endpoints/routes.ts'
import { errorBody } from '../contract/rest/rest.ts'
import { describeError, ERROR_CODES, type ErrorCode, NarwhalError } from '../lib/errors.ts'
import { parseJson } from '../lib/parse-json.ts'
import { provenServer } from '../lib/reach/proven-server.ts'
import { describeConnectError, isTlsError } from '../lib/tls/connect-errors.ts'
import { tlsFetch } from '../lib/tls/tls-fetch.ts'
import type { ClientTls } from '../lib/tls/tls-files.ts'

/** The server, and the credential to show it. */
export interface ServerAddress {
  /** Such as `http://127.0.0.1:4747`, with a path if a proxy requires one. */
  readonly server: string
  readonly token?: string | undefined
  /** The data folder's token: shown only to a server that has proven to have it. */
  readonly isOwnToken?: boolean
  /** CAs to trust in addition to the system's, and a client certificate, for `https:` URLs. */
  readonly tls?: ClientTls | undefined
}

export interface Caller {
  readonly address: ServerAddress
  readonly signal: AbortSignal
}

interface Sent extends Named {
  /** Sent as JSON. */
  readonly body?: unknown
}

/** The timeout of a request. */
const ANSWER_TIMEOUT_MS = 60_000

/** A newer server may have codes that are unknown here. */
export const knownCode = z.enum(ERROR_CODES)

export function serverUnreachable(server: string, cause: unknown): NarwhalError {
  if (isTlsError(cause)) {
    const words = `can't connect securely to ${server}: ${describeConnectError(cause)}; --ca or NARWHAL_CA names the CA to trust`
    return new NarwhalError('unavailable', words, { cause })
  }
  const message = `can't reach Narwhal at ${server}: start it with \`narwhal up\`, or set another URL with --server`
  return new NarwhalError('unavailable', message, { cause })
}

/** Calls an endpoint and parses its answer; rejects with the server's code and message. */
export async function call<Name extends EndpointName>(
  caller: Caller,
  name: Name,
  given: GivenTo<Endpoints[Name]>,
): Promise<AnswerOf<Endpoints[Name]>> {
  return await callJson(caller, ENDPOINTS[name], partsOf(given))
}

function partsOf<Name extends EndpointName>(given: GivenTo<Endpoints[Name]>): Sent {
  return given as Sent
}

async function callJson<E extends Endpoint>(
  caller: Caller,
  endpoint: E,
  given: Sent,
): Promise<AnswerOf<E>> {
  const { address } = caller
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  const signal = AbortSignal.any([caller.signal, timeout])
  const response = await send({ address, signal }, endpoint, given)
  const text = await response.text().catch((error: unknown) => {
    throw unreachableUnlessAborted(address, signal, error)
  })
  const parsed = parse<E['answer']>(endpoint.answer, parseJson(text))
  if (parsed.success) return parsed.data
  const asked = `${endpoint.method} ${pathTo(endpoint, given)}`
  const message = `the response of ${address.server} to ${asked} is not understood: are client and server of the same version?`
  throw new NarwhalError('internal', message, { cause: parsed.error })
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown) {
  return schema.safeParse(value)
}

/** Calls an endpoint that answers with text, and yields its lines as they arrive, without line ends. */
export async function* callLines<Name extends EndpointName>(
  caller: Caller,
  name: Name,
  given: GivenTo<Endpoints[Name]>,
): AsyncGenerator<string, void, undefined> {
  const { address, signal } = caller
  const response = await send(caller, ENDPOINTS[name], partsOf(given))
  if (!response.body) return
  const decoder = new TextDecoder()
  let rest: string[] = []
  try {
    for await (const chunk of response.body) {
      const lines = decoder.decode(chunk, { stream: true }).split('\n')
      const last = lines.pop() ?? ''
      if (lines.length > 0) {
        lines[0] = rest.join('') + lines[0]
        rest = []
        yield* lines
      }
      if (last) rest.push(last)
    }
  } catch (error) {
    throw unreachableUnlessAborted(address, signal, error)
  }
  const end = rest.join('') + decoder.decode()
  if (end) yield end
}

async function send(caller: Caller, endpoint: Endpoint, sent: Sent): Promise<Response> {
  const { signal } = caller
  const { body } = sent
  const address = await findProven(caller.address, signal)
  const url = new URL(`${address.server.replace(/\/+$/, '')}${pathTo(endpoint, sent)}`)
  const options = {
    method: endpoint.method,
    headers: {
      ...authorization(address),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  }
  const response = await tlsFetch(url, options, address.tls).catch((error: unknown) => {
    throw unreachableUnlessAborted(address, signal, error)
  })
  if (response.ok) return response
  throw await refusal(address, response)
}

/**
 * The address that the token may be shown to: the same one or, for the data folder's token, the one whose
 * server has just proven that it has the token. Rejects with `unavailable` or `unauthenticated`.
 */
export async function findProven(
  address: ServerAddress,
  signal: AbortSignal,
): Promise<ServerAddress> {
  const { server, token, isOwnToken } = address
  if (!isOwnToken || !token) return address
  try {
    return {
      ...address,
      server: await provenServer({ server, path: urlOf(ROUTES.proof) }, token, signal),
    }
  } catch (error) {
    if (error instanceof NarwhalError) throw error
    throw unreachableUnlessAborted(address, signal, error)
  }
}

/** The authorization header. */
export function authorization(address: ServerAddress): Record<string, string> {
  return address.token ? { authorization: `Bearer ${address.token}` } : {}
}

async function refusal(address: ServerAddress, response: Response): Promise<NarwhalError> {
  const { server, token } = address
  if (response.status >= 300 && response.status < 400) {
    const elsewhere = response.headers.get('location') ?? 'elsewhere'
    await response.body?.cancel()
    const message = `${server} redirects to ${elsewhere}: use that with --server`
    return new NarwhalError('unavailable', message)
  }
  const body = errorBody.safeParse(parseJson(await response.text().catch(() => '')))
  if (!body.success) {
    const message = `the response of ${server} (status ${response.status}) is not from Narwhal: set another URL with --server`
    return new NarwhalError('unavailable', message)
  }
  const code = knownCode.catch(codeOfStatus(response.status)).parse(body.data.code)
  const hint =
    code === 'unauthenticated' && !token
      ? ' (set NARWHAL_TOKEN; on the machine of the server, --data names the folder that has a token)'
      : ''
  return new NarwhalError(code, body.data.message + hint)
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 404) return 'not_found'
  if (status === 401) return 'unauthenticated'
  if (status === 403) return 'forbidden'
  if (status === 503) return 'unavailable'
  return status < 500 ? 'invalid' : 'internal'
}

function unreachableUnlessAborted(
  address: ServerAddress,
  signal: AbortSignal,
  error: unknown,
): NarwhalError {
  if (
    signal.aborted &&
    !(signal.reason instanceof Error && signal.reason.name === 'TimeoutError')
  ) {
    return NarwhalError.from(signal.reason, 'cancelled')
  }
  const cause = error instanceof Error && error.cause ? error.cause : error
  if (cause instanceof NarwhalError) return cause
  if (error instanceof Error && error.name === 'TimeoutError') {
    const message = `${address.server} does not respond: ${describeError(error)}`
    return new NarwhalError('unavailable', message)
  }
  return serverUnreachable(address.server, cause)
}
