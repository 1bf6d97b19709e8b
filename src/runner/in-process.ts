import {
  type ConnectRouterOptions,
  createRouterTransport,
  type Transport,
} from '@connectrpc/connect'
import { runnerRoutes } from './rpc-service.ts'
import type { Runner } from './runner.ts'

export const ROUTER_OPTIONS: ConnectRouterOptions = {
  // Streams are the hot path; compressing them costs more than it saves.
  acceptCompression: [],
  readMaxBytes: 16 * 1024 * 1024,
}

/** A connection to the runner in this very process: the same calls without a socket. */
export function inProcessTransport(runner: Runner): Transport {
  return createRouterTransport(runnerRoutes(runner), { router: ROUTER_OPTIONS })
}
