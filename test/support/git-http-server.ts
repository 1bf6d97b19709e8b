import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A real `git http-backend` behind node:http on loopback. */
export interface GitHttpServer extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a trailing slash. */
  readonly url: string
  readonly requests: readonly string[]
  /** How many bytes it has sent so far, without the heads of its answers. */
  sentBytes(): number
}

/** Answers a request itself and returns true, or leaves it to git. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean

/** Serves every repository below `root` for fetching; with `password`, only to clients that send it. */
export async function serveGit(
  root: string,
  {
    password,
    intercept,
  }: { password?: string | undefined; intercept?: Intercept | undefined } = {},
): Promise<GitHttpServer> {
  const requests: string[] = []
  let sent = 0
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (intercept?.(request, response)) return
    if (password !== undefined && givenPassword(request) !== password) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    } else {
      answer(root, request, response, (bytes) => (sent += bytes))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sentBytes: () => sent,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function givenPassword(request: IncomingMessage): string | undefined {
  const [, encoded] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  return Buffer.from(encoded, 'base64')
    .toString()
    .replace(/^[^:]*:/, '')
}

/** One request is one CGI process (RFC 3875). */
function answer(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  onSent: (bytes: number) => void,
): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: '1',
      // The repository may belong to another user than the one who runs the tests.
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: request.headers['git-protocol']?.toString(),
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: request.headers['content-type'],
      CONTENT_LENGTH: request.headers['content-length'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // The backend may end before it has read everything; its answer counts.
  backend.stdin.on('error', () => {})
  backend.on('error', (error) => response.destroy(error))
  response.on('close', () => backend.kill())
  request.pipe(backend.stdin)

  const send = (chunk: Buffer): void => {
    onSent(chunk.length)
    response.write(chunk)
  }
  let head = Buffer.alloc(0)
  backend.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return send(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    sendHead(response, head.subarray(0, end).toString('latin1'))
    send(head.subarray(end + 4))
  })
  backend.stdout.on('end', () => response.end())
}

function sendHead(response: ServerResponse, head: string): void {
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.flushHeaders()
}
