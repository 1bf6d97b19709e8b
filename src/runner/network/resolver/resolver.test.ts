import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import { Resolver } from './resolver.ts'
import { askByTcp, askByUdp, Frames, framed } from './upstream.ts'

// An address of its own: on it, a free UDP port is free for TCP as well.
const HOST = '127.77.53.1'

function question(id: number, name = 'app.example'): Buffer {
  return encode({ type: 'query', id, flags: 256, questions: [{ type: 'A', name }] })
}

/** A free UDP port may be in use for TCP: then tries another. */
async function onOnePort() {
  for (;;) {
    const udp = createSocket('udp4').bind({ address: HOST, port: 0 })
    await once(udp, 'listening')
    const { port } = udp.address()
    const tcp = createServer().listen({ host: HOST, port })
    try {
      await once(tcp, 'listening')
      return { udp, tcp, port }
    } catch (error) {
      udp.close()
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    }
  }
}

/** A name server that gives every name one address, by UDP and TCP on one port. */
async function nameServer(data: string) {
  const answerTo = (asked: Buffer): Buffer => {
    const { id, questions = [] } = decode(asked)
    const answers = questions.map(({ name }) => ({ type: 'A' as const, name, ttl: 5, data }))
    return encode({ type: 'response', id, questions, answers })
  }
  const { udp, tcp, port } = await onOnePort()
  udp.on('message', (asked, from) => udp.send(answerTo(asked), from.port, from.address))
  tcp.on('connection', (socket) => {
    const frames = new Frames(65_535)
    socket.on('data', (chunk: Buffer) => {
      const read = frames.read(chunk)
      for (const asked of read === 'too_long' ? [] : read) socket.write(framed(answerTo(asked)))
    })
  })
  return {
    upstream: { address: HOST, port },
    [Symbol.asyncDispose]: async () => {
      udp.close()
      tcp.close()
    },
  }
}

const addressOf = (answer: Buffer): unknown => {
  const [record] = decode(answer).answers ?? []
  return record && 'data' in record ? record.data : undefined
}

test("answers by UDP and TCP with the server's answer and the question's id", async () => {
  await using server = await nameServer('203.0.113.7')
  const servers = async () => [server.upstream]
  await using resolver = await Resolver.open({ address: HOST, port: 0, servers })
  const at = { address: HOST, port: resolver.port }
  for (const ask of [askByUdp, askByTcp]) {
    const answer = await ask(at, question(4711))
    assert.equal(decode(answer).id, 4711)
    assert.equal(addressOf(answer), '203.0.113.7')
  }
})

test('asks the next server if one is down, and notices changes of servers', async () => {
  await using first = await nameServer('203.0.113.1')
  await using second = await nameServer('203.0.113.2')
  const gone = { address: HOST, port: 1 }
  let now = [gone, first.upstream]
  const servers = async () => now
  await using resolver = await Resolver.open({ address: HOST, port: 0, servers })
  const at = { address: HOST, port: resolver.port }
  assert.equal(addressOf(await askByUdp(at, question(1))), '203.0.113.1')
  now = [second.upstream]
  assert.equal(addressOf(await askByUdp(at, question(2))), '203.0.113.2')
  now = [gone]
  const none = decode(await askByUdp(at, question(3)))
  assert.equal('rcode' in none && none.rcode, 'SERVFAIL')
})

test('filters answers', async () => {
  await using server = await nameServer('10.0.0.1')
  const servers = async () => [server.upstream]
  const filter = (_: Buffer, asked: Buffer) => asked.subarray(0, 12)
  await using resolver = await Resolver.open({ address: HOST, port: 0, servers, filter })
  const answer = await askByUdp({ address: HOST, port: resolver.port }, question(9))
  assert.equal(answer.length, 12)
})

test('ignores what is no question, and closes a connection that sends too much', async () => {
  await using server = await nameServer('203.0.113.7')
  let asked = 0
  const servers = async () => {
    asked += 1
    return [server.upstream]
  }
  await using resolver = await Resolver.open({ address: HOST, port: 0, servers })
  const at = { address: HOST, port: resolver.port }
  const sender = createSocket('udp4')
  const anAnswer = question(1)
  anAnswer[2] = 0x80
  for (const junk of [Buffer.alloc(3), Buffer.alloc(5_000), anAnswer]) {
    sender.send(junk, resolver.port, HOST)
  }
  const socket = connect({ host: HOST, port: resolver.port })
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.write(Buffer.from([0xff, 0xff, 1, 2, 3]))
  await closed
  assert.equal(addressOf(await askByUdp(at, question(2))), '203.0.113.7')
  assert.equal(asked, 1)
  sender.close()
})
