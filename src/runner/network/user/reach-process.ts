import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Tried, type Tries, TriesSchema } from '../proof/tries.ts'

/**
 * Run by the proof inside the network of a job: tries to reach the targets on its standard input, and prints
 * the results. With the argument `listen` it listens on all addresses, prints its port, and ends with its
 * input.
 */

const CLOSED_CODES = new Set(['EACCES', 'EPERM', 'EINVAL', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

if (process.argv.includes('listen')) listen()
else await tryAll(TriesSchema.parse(JSON.parse(await text(process.stdin))))

async function tryAll({ connections, resolver, waitMs }: Tries): Promise<void> {
  const [reached, answered] = await Promise.all([
    Promise.all(connections.map((one) => tryOne(one, waitMs))),
    resolver === undefined ? true : ask(resolver, waitMs * 4),
  ])
  const tried: Tried = { connections: reached, answered }
  process.stdout.write(JSON.stringify(tried), () => process.exit(0))
}

function tryOne(
  target: Tries['connections'][number],
  waitMs: number,
): Promise<Tried['connections'][number]> {
  const { promise, resolve } = Promise.withResolvers<Tried['connections'][number]>()
  const socket = connect(
    'path' in target ? { path: `\0${target.path}` } : { host: target.address, port: target.port },
  )
  // After events that are pending by now: on a busy machine this process may be late.
  const late = () => void setImmediate(() => setImmediate(() => resolve('timeout')))
  const timer = setTimeout(late, waitMs)
  socket.on('connect', () => resolve('connected'))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const { code = '' } = error
    if (code === 'ECONNREFUSED') return resolve('refused')
    resolve(/UNREACH/.test(code) || CLOSED_CODES.has(code) ? 'unreachable' : 'timeout')
  })
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

/** Whether the name server answers anything to a question for the root zone. */
function ask(address: string, waitMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = createSocket('udp4')
  const timer = setTimeout(() => resolve(false), waitMs)
  socket.on('message', () => resolve(true))
  socket.on('error', () => resolve(false))
  // One question with recursion: `. NS IN`.
  const question = Buffer.from([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1])
  socket.send(question, 53, address, () => {})
  return promise.finally(() => {
    clearTimeout(timer)
    socket.close()
  })
}

function listen(): void {
  const server = createServer((socket) => socket.on('error', () => {}).destroy())
  server.listen(0, '::', () => {
    const address = server.address()
    if (typeof address === 'object' && address) process.stdout.write(`${address.port}\n`)
  })
  // Ends with its parent.
  process.stdin.on('end', () => process.exit(0)).resume()
}
