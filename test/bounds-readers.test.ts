import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import type { Job } from '../src/core/job/job.ts'
import type { Store } from '../src/store/store.ts'
import { eventually } from './support/eventually.ts'
import { LiveTestClient } from './support/live-client.ts'
import type { Stage } from './support/stage.ts'
import { openWebStage } from './support/web-stage.ts'

const MiB = 1024 * 1024

/** Prints that many mebibytes, in lines of 8,000 characters. */
async function printMuch(stage: Stage, job: Job, mebibytes: number): Promise<number> {
  const count = 131
  for (let n = 0; n < mebibytes; n++) {
    const texts = Array.from({ length: count }, () => randomBytes(6_000).toString('base64'))
    await stage.print(job, n * count, texts)
  }
  return mebibytes * count
}

/** Counts the characters of logs that are read from the store. */
function countReads(store: Store): () => number {
  let characters = 0
  const logs = { ...store.logs }
  store.logs.read = async (...query) => {
    const lines = await logs.read(...query)
    for (const { text } of lines) characters += text.length
    return lines
  }
  store.logs.readChunks = async (...query) => {
    const chunks = await logs.readChunks(...query)
    for (const { size } of chunks) characters += size
    return chunks
  }
  return () => characters
}

/** A client that asks and then reads nothing. */
async function ask(url: string, path: string): Promise<Socket> {
  const { port, host } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
  return socket
}

test('who stops reading a log leaves little of it in memory, and is cut off in the end', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await printMuch(web.stage, job, 64)
  web.server.server.setTimeout(1_000)
  const read = countReads(web.stage.store)
  const log = `/api/v1/jobs/${job.id}/attempts/1/log`
  const before = process.memoryUsage().rss
  const sockets = [await ask(web.url, `${log}.txt`), await ask(web.url, `${log}/follow`)]
  const { server } = web.server
  const open = async (): Promise<number> =>
    await new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  await eventually(async () => assert.equal(await open(), 0), { timeoutMs: 20_000 })
  // Most of it waited in the sockets of the operating system.
  assert.ok(read() < 2 * 16 * MiB, `${read()} characters were read`)
  assert.ok(process.memoryUsage().rss - before < 100 * MiB)
  for (const socket of sockets) socket.destroy()
})

test('who follows a silent job is not cut off, however long it is silent', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  web.server.server.setTimeout(400)
  const path = `/api/v1/jobs/${job.id}/attempts/1/log/follow`
  const response = await fetch(web.url + path)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  // Another one's connection goes by the same time-out meanwhile, several times over.
  for (let n = 0; n < 3; n++) {
    const idle = connect(Number(new URL(web.url).port), '127.0.0.1')
    idle.resume()
    await once(idle, 'close')
  }
  await web.stage.print(job, 0, ['at last'])
  assert.match((await reader?.read())?.value ?? '', /at last/)
  await reader?.cancel()
})

test('a page of a log of long lines is a few megabytes, and the next goes on behind it', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const count = await printMuch(web.stage, job, 12)
  await web.stage.finish(job)
  let next = 0
  for (let pages = 0; ; pages++) {
    const query = `from=${next}&limit=10000`
    const answer = await fetch(`${web.url}/api/v1/jobs/${job.id}/attempts/1/log?${query}`)
    const text = await answer.text()
    assert.ok(text.length < 6 * MiB, `${text.length} characters`)
    const page = JSON.parse(text) as { lines: { number: number }[]; complete: boolean }
    assert.equal(page.lines[0]?.number, next)
    next += page.lines.length
    if (page.complete) break
    assert.ok(pages < 20)
  }
  assert.equal(next, count)
})

test('a websocket that reads nothing is closed with 1013 past its bound', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  await printMuch(web.stage, job, 4)
  await using client = await LiveTestClient.connect(web.url)
  client.socket.pause()
  const topic = { kind: 'log', jobId: job.id, attempt: 1 } as const
  for (let n = 0; n < 100; n++) client.ask({ type: 'subscribe', id: `s${n}`, topic, after: -1 })
  const [socket] = web.server.websocketServer.clients
  assert.ok(socket)
  await eventually(() => socket.readyState !== socket.OPEN, { message: 'the socket to be closed' })
  // 400 MiB were asked for.
  assert.ok(socket.bufferedAmount < 64 * MiB, `${socket.bufferedAmount} bytes wait`)
  const closed = once(client.socket, 'close')
  client.socket.resume()
  assert.equal((await closed)[0], 1013)
})

test('a websocket that pings and reads nothing is cut off', async () => {
  await using web = await openWebStage()
  await using client = await LiveTestClient.connect(web.url)
  client.socket.pause()
  const payload = Buffer.alloc(125)
  const { clients } = web.server.websocketServer
  const [socket] = clients
  let waited = 0
  await eventually(
    async () => {
      for (let n = 0; n < 5_000; n++) client.socket.ping(payload)
      waited = Math.max(waited, socket?.bufferedAmount ?? 0)
      await new Promise((resolve) => setImmediate(resolve))
      return clients.size === 0
    },
    { timeoutMs: 30_000 },
  )
  assert.ok(waited < 20 * MiB, `${waited} bytes waited`)
})

test('one websocket too many gets 503, and one that has ended makes room', async () => {
  await using web = await openWebStage({ maxSockets: 2 })
  await using _first = await LiveTestClient.connect(web.url)
  {
    await using _second = await LiveTestClient.connect(web.url)
    await assert.rejects(LiveTestClient.connect(web.url), /503/)
  }
  await eventually(async () => {
    await using _third = await LiveTestClient.connect(web.url)
  })
})
