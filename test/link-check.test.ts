import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, startUp } from './support/installation.ts'
import { statusForge } from './support/status-forge.ts'

const FILE = { 'narwhal.yml': 'image: busybox\nsteps:\n  - print hello\n' }
const TOKEN = 'a-token-of-the-forge'

async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const forge = stack.use(await statusForge())
  const source = stack.use(await gitRepository({ files: FILE }))
  const narwhal = stack.use(await startUp())
  const { client } = narwhal
  await client.addRepository({ name: 'ada/app', cloneUrl: source.path, pollIntervalMs: 0 })
  const owned = stack.move()
  const dispose = () => owned.disposeAsync()
  const link = async (kind: 'github' | 'gitea' | 'gitlab' | 'gogs', more = {}) =>
    await client.linkForge('ada/app', {
      forge: kind,
      apiUrl: forge.url,
      project: 'ada/app',
      token: TOKEN,
      ...more,
    })
  return { forge, source, narwhal, client, link, [Symbol.asyncDispose]: dispose }
}

test('a repository is linked only when its forge says that it accepts statuses', async () => {
  await using world = await openWorld()
  const { forge, client, link } = world
  for (const kind of ['github', 'gitea', 'gitlab'] as const) await link(kind)
  assert.deepEqual(forge.posted, [], 'no status was sent for the question')
  await client.unlinkForge('ada/app')

  const refused = async (words: RegExp, work: Promise<unknown>): Promise<void> => {
    await assert.rejects(work, words)
    await assert.rejects(client.getForgeLink('ada/app'), { code: 'not_found' })
  }
  await refused(/Gogs has no commit statuses/, link('gogs'))
  forge.repository = undefined
  await refused(/it has no repository ada\/app, or the token may not see it/, link('gitea'))
  forge.repository = 601
  forge.behaviour = { status: 403 }
  await refused(/the token may not write commit statuses of ada\/app/, link('gitlab'))
  forge.behaviour = { status: 404 }
  await refused(/the token may not write commit statuses of ada\/app/, link('github'))
  forge.behaviour = { status: 405 }
  await refused(/its API has no commit statuses/, link('gitea'))
  const away = { apiUrl: 'http://127.0.0.1:1/api/v1' }
  await refused(
    /can't be asked: .* to link the repository all the same: --unchecked/,
    link('gitea', away),
  )
  const shown = await link('gitea', { ...away, isUnchecked: true })
  assert.equal(shown.apiUrl, away.apiUrl)
  assert.ok(!world.narwhal.output().includes(TOKEN))
})

test('a status that is refused for good is shown with its pipeline, until one is accepted', async () => {
  await using world = await openWorld()
  const { forge, narwhal, client, link } = world
  await link('gitea')
  forge.behaviour = { status: 404, body: '{"message":"Not Found"}' }
  const start = async () => await client.startPipeline({ repository: 'ada/app', ref: 'main' })
  const refusalOf = async (id: `pipeline_${string}`) =>
    await eventually(async () => (await client.getPipeline(id)).statusRefusal ?? null)
  const first = await start()
  await finished(narwhal, first.id)
  assert.match(await refusalOf(first.id), /it answered 404 \(Not Found\)/)
  await world.source.commit({ 'a.txt': 'a' })
  const second = await start()
  await finished(narwhal, second.id)
  assert.match(await refusalOf(second.id), /it answered 404/)
  // It is accepted again, and no longer shown.
  forge.behaviour = { status: 201 }
  await world.source.commit({ 'a.txt': 'b' })
  const third = await start()
  await finished(narwhal, third.id)
  await eventually(() => forge.taken.some(({ body }) => body['state'] === 'success'))
  assert.equal((await client.getPipeline(third.id)).statusRefusal, undefined)
})
