import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type ConnectRouterOptions,
  createContextValues,
  type HandlerContext,
  type StreamResponse,
  type Transport,
  type UnaryResponse,
} from '@connectrpc/connect'
import { runStreamingCall, runUnaryCall } from '@connectrpc/connect/protocol'
import { RunnerService } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { whileNotAborted, withSignal } from '../../lib/async/with-signal.ts'
import { present } from '../../lib/present.ts'
import type { Runner } from '../runner.ts'
import { runnerService } from './rpc-service.ts'

export const ROUTER_OPTIONS: ConnectRouterOptions = {
  // Streams are the hot path; compressing them costs more than it saves.
  acceptCompression: [],
  readMaxBytes: 16 * 1024 * 1024,
}

/**
 * A connection to a runner in this process: the same calls without a socket. Messages are passed by
 * reference, so neither side may change one that it has sent: serializing would copy a log's bytes
 * five times.
 */
export function inProcessTransport(runner: Runner): Transport {
  const service = runnerService(runner) as unknown as Readonly<Record<string, AnyMethod>>
  const call = (method: DescMethod, signal: AbortSignal, message: unknown) => {
    const ended = new AbortController()
    const context = contextOf(method, AbortSignal.any([signal, ended.signal]))
    return { answer: service[method.localName]?.(message, context), ended }
  }
  return {
    unary: (method, signal, timeoutMs, _header, input) =>
      runUnaryCall({
        ...callOf(signal, timeoutMs),
        req: { ...requestOf(method), stream: false, method, message: input },
        next: async (request) => {
          const { answer, ended } = call(method, request.signal, request.message)
          try {
            const message = await withSignal(Promise.resolve(answer), request.signal)
            const made = create(method.output, message as MessageInitShape<typeof method.output>)
            return { ...responseOf(method), stream: false, method, message: made }
          } finally {
            ended.abort()
          }
        },
      }) as Promise<UnaryResponse<typeof method.input, typeof method.output>>,
    stream: (method, signal, timeoutMs, _header, input) =>
      runStreamingCall({
        ...callOf(signal, timeoutMs),
        req: { ...requestOf(method), stream: true, method, message: input },
        next: async (request) => {
          const requests = whileNotAborted(request.message, request.signal)
          // For a server stream the single request is the argument itself.
          const isTwoWay = method.methodKind === 'bidi_streaming'
          const argument = isTwoWay ? requests : (await requests.next()).value
          const { answer, ended } = call(method, request.signal, argument)
          const messages = answer as AsyncIterable<MessageInitShape<typeof method.output>>
          async function* responses() {
            try {
              for await (const message of whileNotAborted(messages, request.signal)) {
                yield create(method.output, message)
              }
            } finally {
              ended.abort()
            }
          }
          return { ...responseOf(method), stream: true, method, message: responses() }
        },
      }) as Promise<StreamResponse<typeof method.input, typeof method.output>>,
  }
}

type AnyMethod = (message: unknown, context: unknown) => unknown

const callOf = (signal: AbortSignal | undefined, timeoutMs: number | undefined) =>
  present({ signal, timeoutMs })

/**
 * Nobody reads or writes headers here. A map of their names is all that they are; `Headers` itself is a part of
 * Node's client for the web, which takes longer to load than the first calls take.
 */
const noHeaders = () => new Map<string, string>() as unknown as Headers

const requestOf = (method: DescMethod) => ({
  service: method.parent,
  requestMethod: 'POST',
  url: '',
  header: noHeaders(),
  contextValues: createContextValues(),
})

const responseOf = (method: DescMethod) => ({
  service: method.parent,
  header: noHeaders(),
  trailer: noHeaders(),
})

/** As `createHandlerContext` makes one. */
const contextOf = (method: DescMethod, signal: AbortSignal): HandlerContext => ({
  service: RunnerService,
  method,
  signal,
  protocolName: 'in-process',
  requestMethod: 'POST',
  url: '',
  timeoutMs: () => undefined,
  requestHeader: noHeaders(),
  responseHeader: noHeaders(),
  responseTrailer: noHeaders(),
  values: createContextValues(),
})
