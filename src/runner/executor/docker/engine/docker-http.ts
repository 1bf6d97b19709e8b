import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describeError, NarwhalError } from '../../../../lib/errors.ts'
import { present } from '../../../../lib/present.ts'
import type { EngineAddress } from './docker-address.ts'

export interface EngineCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** With the version's prefix and the query. */
  readonly path: string
  readonly body?: unknown
  /** In addition to the usual ones. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long the engine may be silent, in milliseconds; 120,000 by default, 0 for no limit. */
  readonly silenceMs?: number
  readonly signal?: AbortSignal
}

export interface EngineAnswer {
  readonly status: number
  readonly text: string
}

const SILENCE_MS = 120_000

/** A new connection costs 0.1 ms here; one that was kept across a restart of the engine costs an error. */
const agent = new Agent({ keepAlive: false })

/** Calls and reads the whole answer, whatever its status. Rejects with `unavailable` without an answer. */
export async function callEngine(address: EngineAddress, call: EngineCall): Promise<EngineAnswer> {
  const response = await streamFromEngine(address, call)
  try {
    return plainAnswer(response.statusCode ?? 0, await text(response))
  } catch (error) {
    throw unreachable(address, error, call.signal)
  }
}

/** Podman answers 500, and not 404, where the thing is being removed at that moment. */
function plainAnswer(status: number, said: string): EngineAnswer {
  const isGone = status === 500 && /no such (?:container|exec session|network|image)/i.test(said)
  return { status: isGone ? 404 : status, text: said }
}

/** Calls and resolves with the answer's head; the caller reads or destroys its body. */
export async function streamFromEngine(
  address: EngineAddress,
  call: EngineCall,
): Promise<IncomingMessage> {
  const outgoing = open(address, call, {})
  const answer = Promise.withResolvers<IncomingMessage>()
  outgoing.on('response', answer.resolve)
  outgoing.on('error', answer.reject)
  try {
    return await answer.promise
  } catch (error) {
    throw unreachable(address, error, call.signal)
  }
}

/**
 * Calls and takes over the connection as a raw duplex stream ("hijack" in the Engine's docs). Resolves with
 * the answer instead if the engine does not upgrade the connection.
 */
export async function hijackEngine(
  address: EngineAddress,
  call: EngineCall,
): Promise<Duplex | EngineAnswer> {
  const outgoing = open(address, call, { connection: 'Upgrade', upgrade: 'tcp' })
  const answer = Promise.withResolvers<Duplex | EngineAnswer>()
  outgoing.on('upgrade', (_response, socket: Duplex, head: Buffer) => {
    if (head.length > 0) socket.unshift(head)
    // A step may be silent for hours.
    if (socket instanceof Socket) socket.setTimeout(0)
    answer.resolve(socket)
  })
  outgoing.on('response', (response) => {
    const status = response.statusCode ?? 0
    text(response).then((words) => answer.resolve({ status, text: words }), answer.reject)
  })
  outgoing.on('error', answer.reject)
  try {
    return await answer.promise
  } catch (error) {
    throw unreachable(address, error, call.signal)
  }
}

function open(
  address: EngineAddress,
  call: EngineCall,
  headers: Readonly<Record<string, string>>,
): ClientRequest {
  const body = call.body === undefined ? undefined : JSON.stringify(call.body)
  const outgoing = request({
    ...address.connect,
    agent,
    method: call.method,
    path: call.path,
    headers: {
      host: 'narwhal',
      ...headers,
      ...call.headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      'content-length': Buffer.byteLength(body ?? ''),
    },
    ...present({ signal: call.signal }),
  })
  const silenceMs = call.silenceMs ?? SILENCE_MS
  outgoing.setTimeout(silenceMs, () => {
    outgoing.destroy(new Error(`silent for ${silenceMs / 1000} s`))
  })
  outgoing.end(body)
  return outgoing
}

function unreachable(address: EngineAddress, cause: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const advice =
    code === 'EACCES'
      ? 'this user may not use its socket: add the user to the group `docker`, or set NARWHAL_EXECUTOR'
      : 'start it, or set NARWHAL_EXECUTOR'
  return new NarwhalError(
    'unavailable',
    `the container engine at ${address.url} does not answer: ${advice} (${describeError(cause)})`,
    { cause },
  )
}
