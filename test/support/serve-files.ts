import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

/** An HTTP server that knows nothing of git: its files are a repository, in git's dumb protocol. */
export interface FileServer extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly string[]
}

/** Serves the files of a folder on loopback. */
export async function serveFiles(root: string): Promise<FileServer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    void give(join(root, normalize(decodeURIComponent(pathname))), response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function give(path: string, response: ServerResponse): Promise<void> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
  if (!isFile) return void response.writeHead(404).end()
  response.writeHead(200, { 'content-type': 'text/plain' })
  createReadStream(path).pipe(response)
}
