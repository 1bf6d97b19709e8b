import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pipelineList } from '../../src/contract/rest/rest.ts'
import { newId } from '../../src/lib/new-id.ts'
import { eventually } from '../support/eventually.ts'
import { openWebStage } from '../support/web-stage.ts'

const PIPELINES = 4_500

/** A page with this many pipelines, one of which has another title. */
async function openHistory() {
  await using stack = new AsyncDisposableStack()
  const web = stack.use(await openWebStage())
  const repository = await web.stage.addRepository()
  const first = await web.stage.addPipeline(repository.id)
  for (let n = 1; n < PIPELINES; n += 500) {
    await web.stage.write(async (write) => {
      for (let i = 0; i < 500; i++) {
        await write.pipelines.create({
          ...first,
          id: newId('pipeline'),
          rerunOf: first.id,
          createdAt: first.createdAt + n + i,
        })
      }
    })
  }
  const owned = stack.move()
  return { ...web, first, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test("SEC-21b: one user's searches leave room for others, and one too many is told when to retry", async () => {
  await using web = await openHistory()
  const search = (text: string) => fetch(`${web.url}/api/v1/pipelines?text=${text}`)
  const answers = await Promise.all(Array.from({ length: 40 }, () => search('nowhere')))
  const refused = answers.filter(({ status }) => status === 503)
  const served = answers.filter(({ status }) => status === 200)
  assert.equal(refused.length + served.length, 40)
  assert.ok(served.length >= 10, `${served.length} were answered`)
  assert.ok(refused.length > 0)
  assert.equal(refused[0]?.headers.get('retry-after'), '5')
  assert.match(await (refused[0]?.text() ?? ''), /searches of pipelines are running for you/)
  // There is room as soon as they are over.
  assert.equal((await search('nowhere')).status, 200)
})

test('BND-08: forty fruitless searches yield to other requests between their steps', async () => {
  await using web = await openHistory()
  const { store } = web.stage
  let isOver = false
  const searches = Promise.all(
    Array.from({ length: 40 }, () => store.pipelines.listViews({ text: 'nowhere', limit: 50 })),
  ).then((found) => {
    isOver = true
    return found
  })
  let turns = 0
  await eventually(
    async () => {
      turns++
      await new Promise((resolve) => setImmediate(resolve))
      return isOver
    },
    { timeoutMs: 60_000 },
  )
  assert.ok(turns >= Math.floor(PIPELINES / 1_000), `${turns} turns`)
  assert.ok((await searches).every((found) => found.length === 0))
})

test('BND-09: a search in steps finds the same as a single query, in order and page by page', async () => {
  await using web = await openHistory()
  const { first } = web
  const page = async (query: string) => {
    const answer = await fetch(`${web.url}/api/v1/pipelines?${query}`)
    return pipelineList.parse(await answer.json()).pipelines.map(({ id }) => id)
  }
  const all: string[] = []
  for (let before = ''; ; ) {
    const next = await page(`author=${encodeURIComponent('Ada Lovelace')}&limit=500${before}`)
    if (next.length === 0) break
    all.push(...next)
    before = `&before=${next.at(-1)}`
  }
  const plain: string[] = []
  for (let before = ''; ; ) {
    const next = await page(`limit=500${before}`)
    if (next.length === 0) break
    plain.push(...next)
    before = `&before=${next.at(-1)}`
  }
  assert.deepEqual(all, plain)
  assert.equal(all.at(-1), first.id)
})

test('BND-10: a search ends when its client disconnects', async () => {
  await using web = await openHistory()
  const gone = new AbortController()
  const search = web.stage.store.pipelines.listViews({ text: 'nowhere', limit: 50 }, gone.signal)
  gone.abort(new Error('gone'))
  await assert.rejects(search, { message: 'gone' })
})
