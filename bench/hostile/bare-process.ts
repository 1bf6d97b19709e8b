import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What the same bodies cost the machine without Narwhal: a bare server that hashes what it is sent, and
 * at `/parse` parses it, too. It ends when its parent does.
 */
const server = createServer((request, answer) => {
  const hmac = createHmac('sha256', 'nobody')
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => {
    hmac.update(chunk)
    if (request.url === '/parse') chunks.push(chunk)
  })
  request.on('end', () => {
    hmac.digest()
    if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString())
    answer.writeHead(401).end()
  })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
process.on('disconnect', () => process.exit(0))
