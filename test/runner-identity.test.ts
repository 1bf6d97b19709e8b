import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { ApiClient } from '../src/client/client.ts'
import type { RunnerView } from '../src/contract/rest/views.ts'
import { eventually } from './support/eventually.ts'
import { startUp } from './support/installation.ts'
import { startRunnerProcess } from './support/runner-process.ts'

const find = async (client: ApiClient, wanted: string): Promise<RunnerView | undefined> =>
  (await client.listRunners()).find(({ name }) => name === wanted)

const untilOnline = (client: ApiClient, name: string): Promise<RunnerView> =>
  eventually(
    async () => {
      const runner = await find(client, name)
      return runner?.state === 'online' ? runner : null
    },
    { timeoutMs: 60_000 },
  )

test('a runner is the same after each start, also when it was killed before it heard that it has joined', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const { token } = await client.createJoinToken({ labels: [] })
  const args = ['--dispatcher', url]
  const env = { NARWHAL_TOKEN: token }
  await using runner = await startRunnerProcess({ name: 'far', args, env })
  const { id } = await untilOnline(client, 'far')
  for (let n = 0; n < 3; n++) {
    await runner.process.kill('SIGKILL')
    await runner.restart()
    assert.equal((await untilOnline(client, 'far')).id, id)
  }
  // As the file was before the answer came: with the identity alone.
  await runner.process.kill('SIGKILL')
  const path = `${runner.folder}/identity.json`
  const known = JSON.parse(await readFile(path, 'utf8')).installations[0]
  const { runnerId, ...draft } = known
  assert.equal(runnerId, id)
  await writeFile(path, JSON.stringify({ installations: [draft] }))
  await runner.restart()
  assert.equal((await untilOnline(client, 'far')).id, id)
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')).installations, [known])
  assert.equal((await client.listRunners()).filter(({ link }) => link === 'attached').length, 1)
  assert.equal((await client.listJoinTokens())[0]?.used, 1)
})

test('a runner leaves the list at its end where it is ephemeral, and joins anew at its next start', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const { token } = await client.createJoinToken({ labels: [], uses: 2 })
  const args = ['--dispatcher', url, '--ephemeral']
  const env = { NARWHAL_TOKEN: token }
  await using runner = await startRunnerProcess({ name: 'brief', args, env })
  const { id } = await untilOnline(client, 'brief')
  await runner.process.kill('SIGTERM')
  assert.match(runner.process.said(), /left the list of runners/)
  assert.doesNotMatch(runner.process.said(), /was removed from Narwhal/)
  assert.equal(await find(client, 'brief'), undefined)
  await runner.restart()
  assert.notEqual((await untilOnline(client, 'brief')).id, id)
  // One that is killed stays until it is lost for long.
  await runner.process.kill('SIGKILL')
  assert.ok(await find(client, 'brief'))
})
