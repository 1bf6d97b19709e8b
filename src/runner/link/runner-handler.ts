import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Interceptor } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import type { Runner } from '../runner.ts'
import { answerHealth } from './health.ts'
import { ROUTER_OPTIONS } from './in-process.ts'
import { runnerRoutes } from './rpc-service.ts'

/** The runner as a request handler for an HTTP/2 server. Its streams end when the signal aborts. */
export function runnerHandler(
  runner: Runner,
  options: { readonly interceptors?: Interceptor[]; readonly shutdownSignal: AbortSignal },
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  return connectNodeAdapter({
    ...ROUTER_OPTIONS,
    routes: runnerRoutes(runner),
    interceptors: options.interceptors ?? [],
    shutdownSignal: options.shutdownSignal,
    fallback: (request, response) =>
      answerHealth(request as Http2ServerRequest, response as Http2ServerResponse),
  })
}
