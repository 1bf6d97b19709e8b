import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Stream, connect, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { readEagerly } from './read-eagerly.ts'

describe('a response that is read eagerly', () => {
  test('is complete, though its stream was closed before it was iterated', async () => {
    await using call = await openCall((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('all of it')
    })
    await eventually(() => call.stream.closed)
    assert.equal(await textOf(call.stream), 'all of it')
  })

  test('fails where the stream fails', async () => {
    await using call = await openCall((stream) => {
      stream.respond({ ':status': 200 })
      stream.write('a part')
    })
    call.stream.on('error', () => {})
    await once(call.stream, 'response')
    call.stream.session?.destroy(new Error('the line is cut'))
    await eventually(() => call.stream.destroyed)
    await assert.rejects(textOf(call.stream), /cut|closed|broke off/)
  })

  test('is buffered only in part until it is iterated', async () => {
    const bytes = 16 * 1024 * 1024
    let written = false
    await using call = await openCall((stream) => {
      stream.respond({ ':status': 200 })
      stream.end(Buffer.alloc(bytes), () => {
        written = true
      })
    })
    await once(call.stream, 'response')
    assert.equal(written, false)
    assert.equal((await textOf(call.stream)).length, bytes)
  })
})

async function textOf(stream: ClientHttp2Stream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

async function openCall(answer: (stream: ServerHttp2Stream) => void) {
  const server = createServer()
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    answer(stream)
  })
  server.on('sessionError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  session.on('error', () => {})
  const stream = readEagerly(session.request({ ':path': '/' }))
  return {
    stream,
    [Symbol.asyncDispose]: async () => {
      session.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
