import assert from 'node:assert/strict'
import { mkdir, rename, symlink } from 'node:fs/promises'
import { test } from 'node:test'
import { readAuditLines } from '../src/cli/audit/audit-client.ts'
import type { ChainedEntry } from '../src/contract/rest/audit-chain.ts'
import { eventually } from './support/eventually.ts'
import { serveGit } from './support/git-http-server.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliver, pushPayload } from './support/github.ts'
import { startUp } from './support/installation.ts'
import { tempDir } from './support/temp-dir.ts'

const FILE = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }

async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const narwhal = stack.use(await startUp())
  const repository = stack.use(await gitRepository({ files: FILE }))
  const dir = stack.use(await tempDir())
  await mkdir(dir.join('octo'))
  await symlink(repository.path, dir.join('octo', 'hello'))
  const forge = stack.use(await serveGit(dir.path))
  const owned = stack.move()
  const dispose = () => owned.disposeAsync()
  const shas = async (): Promise<string[]> =>
    (await narwhal.client.listPipelines({ limit: 100 })).map(({ event }) => event.sha)
  return { narwhal, repository, dir, forge, shas, [Symbol.asyncDispose]: dispose }
}

test('a repository that moved is polled at its new URL at once, and no commit is missed', async () => {
  await using world = await openWorld()
  const { narwhal, repository, dir, forge } = world
  const cloneUrl = `${forge.url}/octo/hello`
  const added = { name: 'octo/hello', cloneUrl, pollIntervalMs: 200 }
  const { repository: registered } = await narwhal.client.addRepository(added)
  const first = await repository.commit({ 'a.txt': 'a' })
  await eventually(async () => (await world.shas()).includes(first))

  await rename(dir.join('octo', 'hello'), dir.join('octo', 'greeting'))
  const second = await repository.commit({ 'a.txt': 'b' })
  const wrong = narwhal.client.changeRepository('octo/hello', { cloneUrl: `${cloneUrl}s` })
  await assert.rejects(wrong, /can't be read/)
  const { repository: changed, warnings } = await narwhal.client.changeRepository('octo/hello', {
    cloneUrl: `${forge.url}/octo/greeting`,
    name: 'octo/greeting',
    pollIntervalMs: 60_000,
  })
  assert.deepEqual(warnings, [])
  assert.deepEqual([changed.id, changed.name], [registered.id, 'octo/greeting'])
  await eventually(async () => (await world.shas()).includes(second))
  const names = (await narwhal.client.listPipelines({ limit: 100 })).map(
    ({ repositoryName, number }) => `${repositoryName}#${number}`,
  )
  assert.deepEqual(names, ['octo/greeting#2', 'octo/greeting#1'])
  const { signal } = new AbortController()
  const entries: ChainedEntry[] = []
  const address = { server: narwhal.url, token: narwhal.token }
  for await (const entry of readAuditLines(address, 0, signal)) entries.push(entry)
  const entry = entries.find(({ action }) => action === 'repository.changed')
  assert.deepEqual([entry?.before?.['name'], entry?.after?.['name']], [added.name, 'octo/greeting'])
})

test('another repository, and the pull requests of a forge that was not known, are no news', async () => {
  await using world = await openWorld()
  const { narwhal, forge } = world
  await using other = await gitRepository({ files: FILE, serve: true })
  await other.git('update-ref', 'refs/pull/1/head', await other.head())
  const added = { name: 'octo/hello', cloneUrl: `${forge.url}/octo/hello`, pollIntervalMs: 200 }
  await narwhal.client.addRepository(added)
  const { warnings } = await narwhal.client.changeRepository('octo/hello', {
    cloneUrl: other.url,
    forge: 'gitea',
  })
  assert.match(warnings.join('\n'), /narwhal repo webhook-secret octo\/hello/)
  await other.git('update-ref', 'refs/pull/2/head', await other.commitAside({ 'b.txt': 'b' }))
  const built = await eventually(async () => {
    const pipelines = await narwhal.client.listPipelines({ limit: 100 })
    return pipelines.length > 0 ? pipelines : null
  })
  assert.deepEqual(
    built.map(({ event }) => event.ref),
    ['refs/pull/2/head'],
  )
})

test('a repository that was created again at the forge is taken over by giving its URL again', async () => {
  await using world = await openWorld()
  const { narwhal, repository, forge } = world
  const cloneUrl = `${forge.url}/octo/hello`
  const added = { name: 'team/app', cloneUrl, forge: 'github', pollIntervalMs: 0 } as const
  const { repository: registered, webhook } = await narwhal.client.addRepository(added)
  const tell = async (id: number, sha: string) =>
    await deliver(narwhal.agentUrl, {
      event: 'push',
      payload: pushPayload({ id, fullName: 'octo/hello' }, { sha }),
      secret: webhook?.secret ?? '',
      repositoryId: registered.id,
    })
  assert.equal((await tell(601, await repository.head())).status, 202)
  const sha = await repository.commit({ 'a.txt': 'a' })
  assert.equal((await tell(777, sha)).status, 409)
  await narwhal.client.changeRepository('team/app', { cloneUrl })
  assert.equal((await tell(777, sha)).status, 202)
  assert.equal((await tell(601, sha)).status, 409)
  // The secret at the forge is still the one.
  await narwhal.client.changeRepository('team/app', { name: 'team/other' })
  assert.equal((await tell(777, await repository.commit({ 'b.txt': '' }))).status, 202)
})
