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
 * The URL of the very address and port whose server has proven that it has this token: safe to send it there.
 * Any user of the machine can listen on a port that Narwhal's server has left, or never had. HTTPS is proven
 * by its certificate; everything else by a proof from `path`. Rejects with `unauthenticated` if nothing is
 * proven, and with the socket's error if nothing answers.
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
  // No keep-alive: the address of this connection counts.
  const asked = request(url, { signal: within, agent: false }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const { remoteAddress: address, remotePort: port } = answer.socket
  const answered = parseJson(await text(answer))
  const proof =
    answered !== null && typeof answered === 'object' && 'proof' in answered
      ? answered.proof
      : undefined
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
  const words = `the server at ${server} does not prove that it has the token of the data folder, so the token was not sent: name the server with --server, its folder with --data, or a token with NARWHAL_TOKEN_FILE`
  return new NarwhalError('unauthenticated', words)
}
