import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { isLoopback } from '../../lib/reach/loopback.ts'
import { readOwnToken } from '../../lib/reach/own-token.ts'
import { plainAddress, proveOwnToken } from '../../lib/reach/own-token-proof.ts'

/**
 * Proves to a client with this data folder's token that the server at this port has it too, before the
 * client sends it. For clients on this machine only: a token chosen by a person may be guessable.
 */
export function registerProofRoute(server: HttpServer, folder: string): void {
  route(server, ENDPOINTS.proof, async (request) => {
    const { localAddress, localPort, remoteAddress } = request.raw.socket
    const isNear = remoteAddress !== undefined && isLoopback(plainAddress(remoteAddress))
    // Read each time: another process of the same folder may have replaced it.
    const token = isNear ? readOwnToken(folder, 'access') : undefined
    if (!token || localAddress === undefined || localPort === undefined) {
      throw new NarwhalError('not_found', 'this server has no token to prove')
    }
    const end = { address: localAddress, port: localPort }
    return { proof: proveOwnToken(token, request.query.nonce, end) }
  })
}
