import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** In front of a server, makes its network fail for real. */
export interface TcpProxy extends AsyncDisposable {
  /** The port on 127.0.0.1 that it listens on, always the same. */
  readonly port: number
  readonly connections: number
  /** The same URL, by way of this proxy. */
  through(url: string): string
  /** Resets all connections; new ones are accepted. */
  cut(): void
  /** Resets all connections, and each new one at once, until `accept`. */
  refuse(): void
  /** Keeps all connections open, but forwards nothing in either direction, until `accept`. */
  stall(): void
  accept(): void
}

/** `await using proxy = await tcpProxy({ port: 5672 })`; with `refusing` the server is down at first. */
export async function tcpProxy(target: {
  readonly host?: string
  readonly port?: number
  /** A Unix socket instead of a host and port. */
  readonly path?: string
  readonly refusing?: boolean
}): Promise<TcpProxy> {
  const { host = '127.0.0.1', port: targetPort = 0, path } = target
  const upstream = path ? { path } : { host, port: targetPort }
  let refusing = target.refusing === true
  let stalled = false
  const pairs = new Set<Pair>()

  const server = createServer((client) => {
    client.on('error', () => {})
    if (refusing) {
      client.resetAndDestroy()
      return
    }
    const pair = openPair(client, connect(upstream), () => stalled)
    pairs.add(pair)
    client.on('close', () => pairs.delete(pair))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const cut = () => pairs.forEach((pair) => pair.reset())
  return {
    port,
    get connections() {
      return pairs.size
    },
    through(url) {
      const changed = new URL(url)
      changed.hostname = '127.0.0.1'
      changed.port = String(port)
      return changed.href
    },
    cut,
    refuse() {
      refusing = true
      cut()
    },
    stall() {
      stalled = true
    },
    accept() {
      refusing = false
      stalled = false
      for (const pair of pairs) pair.release()
    },
    async [Symbol.asyncDispose]() {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

interface Pair {
  reset(): void
  release(): void
}

/** Keeps reading while stalled, and holds what it reads, so that it still notices when one side closes. */
function openPair(client: Socket, upstream: Socket, stalled: () => boolean): Pair {
  const releases = [forward(client, upstream, stalled), forward(upstream, client, stalled)]
  return {
    reset() {
      reset(client)
      reset(upstream)
    },
    release() {
      for (const release of releases) release()
    },
  }
}

function forward(from: Socket, to: Socket, stalled: () => boolean): () => void {
  const held: Buffer[] = []
  from.on('error', () => {})
  from.on('close', (failed) => (failed ? reset(to) : to.end()))
  from.on('data', (chunk) => {
    if (stalled()) held.push(chunk)
    else if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  return () => {
    for (const chunk of held.splice(0)) to.write(chunk)
  }
}

/**
 * A socket that is being shut down can't be reset: libuv refuses, Node takes it for closed all the same, and
 * the process then spins for ever when it exits (seen with Node 24.21). A Unix socket has no address and
 * can't be reset either.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded || socket.remoteAddress === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
