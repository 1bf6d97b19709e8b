import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** `HealthCheckResponse { status: SERVING }` in one uncompressed gRPC frame. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 0x01])
const UNIMPLEMENTED = '12'

/**
 * Answers `grpc.health.v1.Health/Check`, which load balancers call without a token, and rejects all
 * other unknown calls. A draining runner is healthy: its streams must still reach it.
 */
export function answerHealth(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const isCheck = request.url === '/grpc.health.v1.Health/Check'
  request.resume()
  response.writeHead(200, { 'content-type': 'application/grpc', trailer: 'grpc-status' })
  response.addTrailers({ 'grpc-status': isCheck ? '0' : UNIMPLEMENTED })
  response.end(isCheck ? SERVING : '')
}
