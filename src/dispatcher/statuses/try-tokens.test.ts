import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { pino } from 'pino'
import { Stage } from '#root/test/support/stage.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { noteForgeAnswer } from './forge-refusals.ts'
import { tryTokens } from './try-tokens.ts'

const DAY = 86_400_000
const TOKEN = 'a-token-that-nobody-may-read'

async function open() {
  await using stack = new AsyncDisposableStack()
  const asked: { url: string; headers: IncomingHttpHeaders }[] = []
  let answer: { readonly status: number; readonly headers?: Record<string, string> } = {
    status: 200,
  }
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    response.writeHead(answer.status, answer.headers).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => void server.close())
  const stage = stack.use(await Stage.open())
  const { id: repositoryId } = await stage.addRepository()
  const { port } = server.address() as AddressInfo
  const link = { repositoryId, forge: 'gitea', project: 'acme/app', createdAt: 0 } as const
  const apiUrl = `http://127.0.0.1:${port}`
  await stage.write((write) => write.forgeLinks.save({ ...link, apiUrl, token: 'sealed' }))
  const said: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void said.push(line) })
  const { store } = stage
  const deps = { store, log, openToken: () => TOKEN, hosts: ANY_HOSTS }
  const signal = new AbortController().signal
  const owned = stack.move()
  return {
    asked,
    said,
    deps,
    tryAt: async (now: number, next = answer) => {
      answer = next
      await tryTokens({ ...deps, signal }, now)
      return await store.forgeLinks.find(repositoryId)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('fetches the repository by its token once a day, and logs when the token is rejected', async () => {
  await using world = await open()
  const { asked, said, tryAt } = world
  assert.equal((await tryAt(DAY))?.triedAt, undefined)
  assert.equal((await tryAt(DAY + 1))?.refusal, undefined)
  await tryAt(DAY + 2)
  assert.deepEqual(
    asked.map(({ url, headers }) => [url, headers.authorization]),
    [['/repos/acme/app', `token ${TOKEN}`]],
  )
  // An outage or a rate limit says nothing about the token.
  assert.equal((await tryAt(2 * DAY + 2, { status: 500 }))?.refusal, undefined)
  const limited = { status: 403, headers: { 'retry-after': '60' } }
  assert.equal((await tryAt(3 * DAY + 3, limited))?.refusal, undefined)
  assert.equal(said.length, 0)
  const refused = await tryAt(4 * DAY + 4, { status: 401 })
  assert.match(refused?.refusal?.words ?? '', /401: the token is not valid/)
  await tryAt(5 * DAY + 5, { status: 401 })
  assert.equal(said.length, 1)
  assert.match(said[0] ?? '', /narwhal repo link acme\/widgets --token-file <file>/)
  assert.equal((await tryAt(6 * DAY + 6, { status: 200 }))?.refusal, undefined)
  assert.equal(said.length, 2)
  assert.ok(said.every((line) => !line.includes(TOKEN)))
})

test('a token that may see the repository and not write statuses stays rejected', async () => {
  await using world = await open()
  const { deps, tryAt } = world
  const [link] = await deps.store.forgeLinks.list()
  assert.ok(link)
  await noteForgeAnswer(deps, link, { words: 'it answered 403', of: 'status' })
  assert.equal((await tryAt(2 * DAY, { status: 200 }))?.refusal?.words, 'it answered 403')
  await noteForgeAnswer(deps, link, { words: undefined, of: 'status' })
  assert.equal((await deps.store.forgeLinks.find(link.repositoryId))?.refusal, undefined)
})
