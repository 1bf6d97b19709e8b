import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type ConnectRouterOptions,
  createContextValues,
  createHandlerContext,
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
    const about = { service: RunnerService, method, protocolName: 'in-process', url: '' }
    const context = createHandlerContext({ ...about, requestMethod: 'POST', requestSignal: signal })
    return { answer: service[method.localName]?.(message, context), context }
  }
  return {
    unary: (method, signal, timeoutMs, header, input) =>
      runUnaryCall({
        ...callOf(signal, timeoutMs),
        req: { ...requestOf(method, header), stream: false, method, message: input },
        next: async (request) => {
          const { answer, context } = call(method, request.signal, request.message)
          try {
            const message = await withSignal(Promise.resolve(answer), request.signal)
            const made = create(method.output, message as MessageInitShape<typeof method.output>)
            return { ...responseOf(method), stream: false, method, message: made }
          } finally {
            context.abort()
          }
        },
      }) as Promise<UnaryResponse<typeof method.input, typeof method.output>>,
    stream: (method, signal, timeoutMs, header, input) =>
      runStreamingCall({
        ...callOf(signal, timeoutMs),
        req: { ...requestOf(method, header), stream: true, method, message: input },
        next: async (request) => {
          const requests = whileNotAborted(request.message, request.signal)
          // For a server stream the single request is the argument itself.
          const isTwoWay = method.methodKind === 'bidi_streaming'
          const argument = isTwoWay ? requests : (await requests.next()).value
          const { answer, context } = call(method, request.signal, argument)
          const messages = answer as AsyncIterable<MessageInitShape<typeof method.output>>
          async function* responses() {
            try {
              for await (const message of whileNotAborted(messages, request.signal)) {
                yield create(method.output, message)
              }
            } finally {
              context.abort()
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

const requestOf = (method: DescMethod, header: ConstructorParameters<typeof Headers>[0]) => ({
  service: method.parent,
  requestMethod: 'POST',
  url: '',
  header: new Headers(header),
  contextValues: createContextValues(),
})

const responseOf = (method: DescMethod) => ({
  service: method.parent,
  header: new Headers(),
  trailer: new Headers(),
})
