import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { equalsConstantTime } from '../constant-time.ts'
import { NarwhalError } from '../errors.ts'
import { parseJson } from '../parse-json.ts'
import { proveOwnToken } from './own-token-proof.ts'

const WITHIN_MS = 10_000

/**
 * The URL of the very address and port whose server has proven that it has this token; the token may be
 * shown there. Anybody on the machine can listen at a port that Narwhal's own server has left, or never
 * had. What is encrypted proves itself by its certificate; all else is asked for a proof at `path`. Rejects with `unauthenticated` where nothing
 * is proven, and with the socket's error where nobody is there.
 */
export async function provenServer(
  { server, path }: { readonly server: string; readonly path: string },
  token: string,
  signal: AbortSignal,
): Promise<string> {
  const base = new URL(server)
  if (base.protocol === 'https:') return server
  const nonce = randomBytes(32).toString('hex')
  const url = new URL(`${server.replace(/\/+$/, '')}${path}?nonce=${nonce}`)
  const within = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)])
  // No connection is kept: its address is what counts.
  const asked = request(url, { signal: within, agent: false }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const { remoteAddress: address, remotePort: port } = answer.socket
  const told = parseJson(await text(answer))
  const proof =
    told !== null && typeof told === 'object' && 'proof' in told ? told.proof : undefined
  const isProven =
    address !== undefined &&
    port !== undefined &&
    typeof proof === 'string' &&
    equalsConstantTime(proof, proveOwnToken(token, nonce, { address, port }))
  if (!isProven) throw notProven(server)
  base.hostname = address.includes(':') ? `[${address}]` : address
  return base.href.replace(/\/+$/, '')
}

function notProven(server: string): NarwhalError {
  const words = `what listens at ${server} does not prove that it has the token of the data folder, so that it is not shown there: name the server with --server, its folder with --data, or a token with NARWHAL_TOKEN_FILE`
  return new NarwhalError('unauthenticated', words)
}
