import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { z } from 'zod'
import { silentLog } from '../lib/log.ts'
import { openMetrics } from './metrics.ts'
import { route } from './route.ts'
import { createHttpServer } from './server.ts'

const at = { role: 'open', reach: undefined, tags: ['things'] } as const
const getThing = {
  ...at,
  method: 'GET',
  path: '/things/:thing',
  summary: 'A thing',
  params: z.object({ thing: z.coerce.number().int() }),
  query: z.object({ limit: z.coerce.number().int().max(9).default(3) }),
  answer: z.object({ thing: z.number(), limit: z.number() }),
} as const
const addThing = {
  ...at,
  method: 'POST',
  path: '/things',
  summary: 'Add a thing',
  body: z.strictObject({ name: z.string().min(1) }),
  status: 201,
  answer: z.object({ name: z.string() }),
} as const
const readThings = {
  ...at,
  method: 'GET',
  path: '/things.txt',
  summary: 'Things as text',
  produces: ['text/plain'],
  answer: z.string(),
} as const

async function serve() {
  const ready = async (): Promise<void> => {}
  const server = await createHttpServer({
    log: silentLog(),
    metrics: openMetrics(),
    ready,
    version: 'test',
  })
  const added: string[] = []
  route(server, getThing, async ({ params, query }) => ({ ...params, ...query, hidden: 'x' }))
  route(server, addThing, async ({ body }) => {
    added.push(body.name)
    return body
  })
  route(server, readThings, async (_request, reply) => {
    return reply.type('text/plain').send(Readable.from(['one\n', 'two\n']))
  })
  await server.ready()
  return { server, added, [Symbol.asyncDispose]: () => server.close() }
}

test('a handler has what is asked as the schemas make it, and answers no more than they say', async () => {
  await using at = await serve()
  const answer = await at.server.inject('/api/v1/things/7')
  assert.equal(answer.statusCode, 200)
  assert.deepEqual(answer.json(), { thing: 7, limit: 3 })
})

test('what does not fit is refused by its place, and no handler hears of it', async () => {
  await using at = await serve()
  const wrong = await at.server.inject('/api/v1/things/seven?limit=10')
  assert.equal(wrong.statusCode, 400)
  const payload = { name: '' }
  const empty = await at.server.inject({ method: 'POST', url: '/api/v1/things', payload })
  assert.equal(empty.statusCode, 400)
  assert.match(empty.json<{ message: string }>().message, /^body\/name: /)
  assert.deepEqual(at.added, [])
})

test('what was made is answered by 201, and a failure by a status of its own', async () => {
  await using at = await serve()
  const payload = { name: 'shop' }
  const made = await at.server.inject({ method: 'POST', url: '/api/v1/things', payload })
  assert.deepEqual([made.statusCode, made.json()], [201, payload])
  assert.deepEqual(at.added, ['shop'])
})

test('text goes out as it comes', async () => {
  await using at = await serve()
  const answer = await at.server.inject('/api/v1/things.txt')
  assert.equal(answer.body, 'one\ntwo\n')
})

test('the document has what the endpoint says', async () => {
  await using at = await serve()
  const { post } = at.server.swagger().paths?.['/api/v1/things'] ?? {}
  assert.ok(post)
  assert.deepEqual([post.summary, post.tags, post.security], ['Add a thing', ['things'], []])
  assert.deepEqual(
    Object.keys(post.responses ?? {}).toSorted((a, b) => a.localeCompare(b)),
    ['201', '4XX', '5XX'],
  )
})
