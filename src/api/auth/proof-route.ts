import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { isLoopback } from '../../lib/reach/loopback.ts'
import { readOwnToken } from '../../lib/reach/own-token.ts'
import { plainAddress, proveOwnToken } from '../../lib/reach/own-token-proof.ts'

/**
 * Adds the answer to who has a token of this data folder and wants to know, before it is shown, that the
 * server at this port has it as well. To this machine alone: a token that was chosen may be one to guess.
 */
export function registerProofRoute(server: HttpServer, folder: string): void {
  route(server, ENDPOINTS.proof, async (request) => {
    const { localAddress, localPort, remoteAddress } = request.raw.socket
    const isNear = remoteAddress !== undefined && isLoopback(plainAddress(remoteAddress))
    // Read anew each time: another process of the same folder may have replaced it.
    const token = isNear ? readOwnToken(folder, 'access') : undefined
    if (!token || localAddress === undefined || localPort === undefined) {
      throw new NarwhalError('not_found', 'this server has nothing to prove to you')
    }
    const end = { address: localAddress, port: localPort }
    return { proof: proveOwnToken(token, request.query.nonce, end) }
  })
}
