import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * A TCP port on 127.0.0.1 that was free a moment ago. Somebody else may take it first: if the program under
 * test can listen on port 0 and report its port, prefer that.
 */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Below Linux's range for outgoing connections. */
const STEADY = { from: 12_000, to: 32_000 }

/** A port for a server that is restarted: no outgoing connection of others can get it meanwhile. */
export async function steadyPort(): Promise<number> {
  for (;;) {
    const port = randomInt(STEADY.from, STEADY.to)
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch {
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
}
