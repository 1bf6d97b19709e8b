import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Posted {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, string>>
  /** The status code of the answer. */
  readonly answer: number | undefined
}

/** How a forge answers: a status code, with headers and a body, or not at all. */
export type ForgeBehaviour =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'hang'

/** A server that accepts statuses as a forge does, and misbehaves on request. */
export interface StatusForge extends AsyncDisposable {
  readonly url: string
  /** All that were posted, including rejected ones. */
  readonly posted: readonly Posted[]
  readonly taken: readonly Posted[]
  behaviour: ForgeBehaviour
  /** The number of each repository that is asked for; undefined: it has none. */
  repository: number | undefined
  /** Fails all hanging requests. */
  release(): void
}

/** Asked for before a link is saved. */
const NO_COMMIT = '0'.repeat(40)

export async function statusForge(): Promise<StatusForge> {
  const posted: Posted[] = []
  const taken: Posted[] = []
  const hanging = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    // It has no pull requests or authors: see author-forge.ts.
    const asked = /\/(?:repos|projects|repositories)\/([^?]+)$/.exec(request.url ?? '')?.[1]
    if (request.method === 'GET' && asked && forge.repository !== undefined) {
      const path = decodeURIComponent(asked)
      const named = { id: forge.repository, full_name: path, path_with_namespace: path }
      response.writeHead(200).end(JSON.stringify(named))
      return
    }
    if (request.method === 'GET') {
      response.writeHead(404).end('{"message":"Not Found"}')
      return
    }
    if (request.url?.includes(NO_COMMIT)) {
      request.resume()
      const { behaviour } = forge
      const isOpen = behaviour === 'hang' || behaviour.status < 300
      response.writeHead(isOpen ? 422 : behaviour.status).end('{"message":"No commit found"}')
      return
    }
    void text(request).then((body) => {
      const { behaviour } = forge
      const one = {
        path: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(body) as Posted['body'],
        answer: behaviour === 'hang' ? undefined : behaviour.status,
      }
      posted.push(one)
      if (behaviour === 'hang') {
        hanging.add(response)
        return
      }
      if (behaviour.status < 300) taken.push(one)
      response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body ?? '{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const forge: StatusForge = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posted,
    taken,
    behaviour: { status: 201 },
    repository: 601,
    release: () => {
      for (const response of hanging) response.destroy()
      hanging.clear()
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return forge
}
