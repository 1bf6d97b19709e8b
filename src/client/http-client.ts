import { z } from 'zod'
import { errorBody } from '../contract/rest/rest.ts'
import { describeError, type ErrorCode, NarwhalError } from '../lib/errors.ts'
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

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly signal: AbortSignal
}

/** An answer comes within this, or the server counts as away. */
const ANSWER_TIMEOUT_MS = 60_000

const ERROR_CODES = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'gone',
  'stale',
  'too_large',
  'exhausted',
  'unavailable',
  'cancelled',
  'internal',
] as const satisfies readonly ErrorCode[]
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

/** Calls the API and parses its JSON; rejects with the server's own words. */
export async function callJson<Schema extends z.ZodType>(
  address: ServerAddress,
  path: string,
  schema: Schema,
  call: Call,
): Promise<z.output<Schema>> {
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  const signal = AbortSignal.any([call.signal, timeout])
  const response = await send(address, path, { ...call, signal })
  const text = await response.text().catch((error: unknown) => {
    throw awayUnlessAborted(address, signal, error)
  })
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const message = `${address.server} answered ${call.method ?? 'GET'} ${path} in a form that this narwhal does not understand: are both of the same version?`
  throw new NarwhalError('internal', message, { cause: parsed.error })
}

/** Calls the API and hands over the answer's lines as they come, without their line ends. */
export async function* callLines(
  address: ServerAddress,
  path: string,
  call: Call,
): AsyncGenerator<string, void, undefined> {
  const response = await send(address, path, call)
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
    throw awayUnlessAborted(address, call.signal, error)
  }
  const end = rest.join('') + decoder.decode()
  if (end) yield end
}

async function send(given: ServerAddress, path: string, call: Call): Promise<Response> {
  const address = await findProven(given, call.signal)
  const url = new URL(`${address.server.replace(/\/+$/, '')}/api/v1${path}`)
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  const options = {
    method: call.method ?? 'GET',
    headers: {
      ...authorization(address),
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    signal: call.signal,
  }
  const response = await tlsFetch(url, options, address.tls).catch((error: unknown) => {
    throw awayUnlessAborted(address, call.signal, error)
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
    return { ...address, server: await provenServer(server, token, signal) }
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
