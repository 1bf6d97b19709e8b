import assert from 'node:assert/strict'
import { mkdir, symlink } from 'node:fs/promises'
import { test } from 'node:test'
import { serveGit } from './support/git-http-server.ts'
import { gitRepository } from './support/git-repository.ts'
import { deliver, pushPayload } from './support/github.ts'
import { pipelineOf, startUp } from './support/installation.ts'
import { tempDir } from './support/temp-dir.ts'

const FILE = { 'narwhal.yml': 'steps:\n  - name: hello\n    command: print hello\n' }

/** A Narwhal, and a forge that serves one repository at `octo/hello`. */
async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const narwhal = stack.use(await startUp())
  const repository = stack.use(await gitRepository({ files: FILE }))
  const dir = stack.use(await tempDir())
  const serveAt = async (owner: string, name: string) => {
    await mkdir(dir.join(owner), { recursive: true })
    await symlink(repository.path, dir.join(owner, name))
  }
  await serveAt('octo', 'hello')
  const forge = stack.use(await serveGit(dir.path))
  const owned = stack.move()
  const register = async (name: string, cloneUrl = `${forge.url}/octo/hello`) => {
    const added = { name, cloneUrl, forge: 'github', pollIntervalMs: 0 } as const
    const { repository: registered, webhook } = await narwhal.client.addRepository(added)
    const tell = async (
      of: { id: number; fullName: string },
      sha: string,
      at: string | undefined = registered.id,
    ) =>
      await deliver(narwhal.agentUrl, {
        event: 'push',
        payload: pushPayload(of, { sha }),
        secret: webhook?.secret ?? '',
        ...(at === '' ? {} : { repositoryId: at }),
      })
    return { registered, tell }
  }
  const dispose = () => owned.disposeAsync()
  return { narwhal, repository, forge, serveAt, register, [Symbol.asyncDispose]: dispose }
}

test('a repository is found by the path of its clone URL, whatever its name here', async () => {
  await using world = await openWorld()
  const { narwhal, repository } = world
  const { registered, tell } = await world.register('team/app')
  assert.equal(registered.forgePath, 'octo/hello')
  const hello = { id: 601, fullName: 'octo/Hello' }
  const sha = await repository.head()
  // Without the repository in the path of the webhook's URL, too.
  const first = await tell(hello, sha, '')
  assert.equal(first.status, 202, JSON.stringify(first.body))
  const pipeline = await pipelineOf(narwhal, first.body.eventId)
  assert.equal(pipeline.repositoryName, 'team/app')
  const again = await tell(hello, sha)
  assert.deepEqual([again.status, again.body.eventId], [200, first.body.eventId])
  // Narwhal's own name for it is no name at the forge.
  const other = await tell({ id: 602, fullName: 'team/app' }, sha)
  assert.equal(other.status, 409)
  assert.match(
    other.body.message ?? '',
    /about "team\/app" \(602\).* of team\/app \(octo\/hello, 601/,
  )
})

test('a repository that is renamed at the forge is found by its id, and shown with its path there', async () => {
  await using world = await openWorld()
  const { narwhal, repository } = world
  const { registered, tell } = await world.register('octo/hello')
  const sha = await repository.head()
  const first = await tell({ id: 601, fullName: 'octo/hello' }, sha)
  assert.equal(first.status, 202)
  const renamed = { id: 601, fullName: 'octo/greeting' }
  const next = await repository.commit({ 'a.txt': 'a' })
  const second = await tell(renamed, next, '')
  assert.equal(second.status, 202, JSON.stringify(second.body))
  await pipelineOf(narwhal, second.body.eventId)
  const shown = await narwhal.client.getRepository(registered.id)
  assert.deepEqual([shown.forgePath, shown.movedTo], ['octo/greeting', 'octo/greeting'])
  // Renamed back.
  const third = await tell({ id: 601, fullName: 'octo/hello' }, await repository.commit({ b: '' }))
  assert.equal(third.status, 202)
  assert.equal((await narwhal.client.getRepository(registered.id)).movedTo, undefined)
})

test('a repository that was created again at the forge under the same path is not taken for the former one', async () => {
  await using world = await openWorld()
  const { registered, tell } = await world.register('team/app')
  const sha = await world.repository.head()
  assert.equal((await tell({ id: 601, fullName: 'octo/hello' }, sha)).status, 202)
  const reply = await tell({ id: 777, fullName: 'octo/hello' }, sha)
  assert.equal(reply.status, 409)
  assert.match(reply.body.message ?? '', /octo\/hello is another repository .* 777, and was 601/)
  assert.match(reply.body.message ?? '', /narwhal repo set team\/app --url/)
  assert.equal((await world.narwhal.client.getRepository(registered.id)).movedTo, undefined)
})

test('repositories of one path and one number at two servers are told apart by their secrets', async () => {
  await using world = await openWorld()
  await using elsewhere = await openWorld()
  const { narwhal, repository } = world
  const one = await world.register('one/app')
  const two = await world.register('two/app', `${elsewhere.forge.url}/octo/hello`)
  const same = { id: 601, fullName: 'octo/hello' }
  const told = [
    ['one/app', await one.tell(same, await repository.head(), '')],
    ['two/app', await two.tell(same, await elsewhere.repository.head(), '')],
  ] as const
  for (const [name, { status, body }] of told) {
    assert.equal(status, 202, JSON.stringify(body))
    assert.equal((await pipelineOf(narwhal, body.eventId)).repositoryName, name)
  }
})
