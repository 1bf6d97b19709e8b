import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { ApiClient } from '../src/client/client.ts'
import { skipDistributed } from './support/distributed.ts'
import { eventually } from './support/eventually.ts'
import { freePort } from './support/free-port.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, logText } from './support/installation.ts'
import { startNarwhal } from './support/narwhal-process.ts'
import { startRunnerProcess } from './support/runner-process.ts'
import { freshDatabase, testService, uniquePrefix } from './support/services.ts'
import { tempDir } from './support/temp-dir.ts'
import { clientOf, tokenIn } from './support/tokens.ts'

const COUNT = 'i=0; until [ -e "$GO" ]; do echo "line $i"; i=$((i+1)); sleep 0.02; done; echo end'
const SLOW = { timeoutMs: 60_000 }
const never = new AbortController().signal

/** Dispatchers on one database and one broker, each a process. */
async function startDispatchers(count: number) {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await freshDatabase())
  const broker = new URL(testService('rabbitmq').url)
  broker.searchParams.set('prefix', uniquePrefix())
  const data = stack.use(await tempDir())
  const dispatchers = []
  for (let i = 0; i < count; i++) {
    const port = await freePort()
    const shared = ['--database', database.url, '--broker', broker.href, '--data', data.path]
    const child = stack.use(startNarwhal(['dispatcher', '--port', String(port), ...shared]))
    const url = `http://127.0.0.1:${port}`
    dispatchers.push({ process: child, url, client: clientOf(url, data.path, never) })
  }
  for (const { client, process } of dispatchers) {
    await eventually(() => client.listRunners(), SLOW).catch((cause: unknown) => {
      throw new Error(process.said(), { cause })
    })
  }
  const owned = stack.move()
  return {
    dispatchers,
    token: tokenIn(data.path),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('a job goes on by another dispatcher that its runner is attached to', {
  skip: skipDistributed(),
}, async () => {
  await using gate = await tempDir()
  await using two = await startDispatchers(2)
  const [one, other] = two.dispatchers
  assert.ok(one && other)
  const args = ['--dispatcher', two.dispatchers.map(({ url }) => url).join()]
  await using runner = await startRunnerProcess({
    name: 'far',
    args,
    env: { NARWHAL_TOKEN: two.token },
  })
  const attached = /attached to a dispatcher/g
  await eventually(() => runner.process.said().match(attached)?.length === 2, SLOW)
  const job = { env: { GO: gate.join('go') }, steps: [{ name: 'count', command: COUNT }] }
  const file = JSON.stringify({ jobs: { count: job } })
  await using repository = await gitRepository({ files: { 'narwhal.yml': file } })
  const { path: cloneUrl } = repository
  await one.client.addRepository({ name: 'ada/project', cloneUrl, pollIntervalMs: 0 })
  const { id } = await one.client.startPipeline({ repository: 'ada/project' })
  const lines = async (client: ApiClient): Promise<number> =>
    (await client.getPipeline(id)).jobs[0]?.attempts[0]?.lines ?? 0
  await eventually(async () => (await lines(one.client)) > 20, SLOW).catch((cause: unknown) => {
    const said = [one.process, other.process, runner.process].map((process) => process.said())
    throw new Error(said.join('\n'), { cause })
  })

  await one.process.kill('SIGKILL')
  const before = await lines(other.client)
  await eventually(async () => (await lines(other.client)) > before + 20, SLOW)
  await writeFile(gate.join('go'), '')
  const { pipeline, jobs } = await finished(other, id)
  assert.equal(pipeline.outcome, 'success')
  assert.equal(jobs[0]?.attempts.length, 1)
  const text = await logText(other, { id: jobs[0].id, attempt: 1 })
  const printed = text.split('\n')
  assert.equal(printed.pop(), 'end')
  assert.deepEqual(
    printed,
    printed.map((_, i) => `line ${i}`),
  )
})

test('a registration token works at one of two dispatchers, and what is removed at one is gone at both', {
  skip: skipDistributed(),
}, async () => {
  await using two = await startDispatchers(2)
  const [one, other] = two.dispatchers
  assert.ok(one && other)
  const { token } = await one.client.createJoinToken({ labels: [] })
  const joined = await Promise.allSettled(
    Array.from({ length: 8 }, async (_, i) => {
      const { client } = i % 2 === 0 ? one : other
      return await client.joinRunner({ name: `runner-${i}`, token })
    }),
  )
  assert.equal(joined.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal((await other.client.listRunners()).length, 1)

  const urls = two.dispatchers.map(({ url }) => url).join()
  const { token: another } = await other.client.createJoinToken({ labels: [] })
  await using runner = await startRunnerProcess({
    name: 'far',
    args: ['--dispatcher', urls],
    env: { NARWHAL_TOKEN: another },
  })
  const attached = /attached to a dispatcher/g
  await eventually(() => runner.process.said().match(attached)?.length === 2, SLOW)
  await other.client.removeRunner('far')
  await eventually(() => runner.process.child.exitCode !== null, SLOW)
  assert.match(runner.process.said(), /runner far was removed from Narwhal/)
})
