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

/** Where the server is and who asks. */
export interface ServerAddress {
  /** As `http://127.0.0.1:4747`, without a path behind it or with one that a proxy wants. */
  readonly server: string
  readonly token?: string | undefined
  /** It is the data folder's: shown to a server that has proven to have it, and to no other. */
  readonly isOwnToken?: boolean
  /** What to trust and to show at an `https:` URL besides the system's. */
  readonly tls?: ClientTls | undefined
}

/** Who asks where, and how to stop waiting. */
export interface Asker {
  readonly address: ServerAddress
  readonly signal: AbortSignal
}

interface Sent extends Named {
  /** Sent as JSON. */
  readonly body?: unknown
}

/** An answer comes within this, or the server counts as away. */
const ANSWER_TIMEOUT_MS = 60_000

/** The codes that are known here; a newer server may have others. */
export const knownCode = z.enum(ERROR_CODES)

/** What to say when nothing answers. */
export function serverAway(server: string, cause: unknown): NarwhalError {
  if (isTlsError(cause)) {
    const words = `the connection to ${server} can't be trusted, or is refused: ${describeConnectError(cause)}; --ca or NARWHAL_CA names the authority to trust`
    return new NarwhalError('unavailable', words, { cause })
  }
  const message = `no Narwhal answers at ${server}: start it with \`narwhal up\`, or name another with --server`
  return new NarwhalError('unavailable', message, { cause })
}

/** Calls an endpoint and parses its answer; rejects with the server's own words. */
export async function call<Name extends EndpointName>(
  asker: Asker,
  name: Name,
  given: GivenTo<Endpoints[Name]>,
): Promise<AnswerOf<Endpoints[Name]>> {
  return await callJson(asker, ENDPOINTS[name], partsOf(given))
}

/** What the types say of one endpoint, as it is of all of them. */
function partsOf<Name extends EndpointName>(given: GivenTo<Endpoints[Name]>): Sent {
  return given as Sent
}

async function callJson<E extends Endpoint>(
  asker: Asker,
  endpoint: E,
  given: Sent,
): Promise<AnswerOf<E>> {
  const { address } = asker
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  const signal = AbortSignal.any([asker.signal, timeout])
  const response = await send({ address, signal }, endpoint, given)
  const text = await response.text().catch((error: unknown) => {
    throw awayUnlessAborted(address, signal, error)
  })
  const parsed = parse<E['answer']>(endpoint.answer, parseJson(text))
  if (parsed.success) return parsed.data
  const asked = `${endpoint.method} ${pathTo(endpoint, given)}`
  const message = `${address.server} answered ${asked} in a form that this narwhal does not understand: are both of the same version?`
  throw new NarwhalError('internal', message, { cause: parsed.error })
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown) {
  return schema.safeParse(value)
}

/** Calls an endpoint that answers text, and hands over its lines as they come, without their line ends. */
export async function* callLines<Name extends EndpointName>(
  asker: Asker,
  name: Name,
  given: GivenTo<Endpoints[Name]>,
): AsyncGenerator<string, void, undefined> {
  const { address, signal } = asker
  const response = await send(asker, ENDPOINTS[name], partsOf(given))
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
    throw awayUnlessAborted(address, signal, error)
  }
  const end = rest.join('') + decoder.decode()
  if (end) yield end
}

async function send(asker: Asker, endpoint: Endpoint, sent: Sent): Promise<Response> {
  const { signal } = asker
  const { body } = sent
  const address = await findProven(asker.address, signal)
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
    throw awayUnlessAborted(address, signal, error)
  })
  if (response.ok) return response
  throw await refusal(address, response)
}

/**
 * Where the token may be shown: the same address, or, where the token is the data folder's, the very one
 * whose server has just proven that it has it. Rejects with `unavailable`, or `unauthenticated`.
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
    throw awayUnlessAborted(address, signal, error)
  }
}

/** The header that proves who asks. */
export function authorization(address: ServerAddress): Record<string, string> {
  return address.token ? { authorization: `Bearer ${address.token}` } : {}
}

async function refusal(address: ServerAddress, response: Response): Promise<NarwhalError> {
  const { server, token } = address
  if (response.status >= 300 && response.status < 400) {
    const elsewhere = response.headers.get('location') ?? 'elsewhere'
    await response.body?.cancel()
    return new NarwhalError(
      'unavailable',
      `${server} points to ${elsewhere}: name that with --server`,
    )
  }
  const body = errorBody.safeParse(parseJson(await response.text().catch(() => '')))
  if (!body.success) {
    const message = `what answers at ${server} is no Narwhal (it said ${response.status}): name another with --server`
    return new NarwhalError('unavailable', message)
  }
  const code = knownCode.catch(codeOfStatus(response.status)).parse(body.data.code)
  const hint =
    code === 'unauthenticated' && !token
      ? ' (NARWHAL_TOKEN gives one; on the machine of the server, --data names the folder that has one)'
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

function awayUnlessAborted(
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
    return new NarwhalError(
      'unavailable',
      `${address.server} does not answer: ${describeError(error)}`,
    )
  }
  return serverAway(address.server, cause)
}
