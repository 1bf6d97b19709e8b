import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { ApiClient } from '../src/client/client.ts'
import { Outcome } from '../src/contract/gen/narwhal/v1/runner_pb.js'
import type { JobView, RunnerView } from '../src/contract/rest/views.ts'
import { ATTACH_PATH } from '../src/contract/rpc/attach.ts'
import { attachRawRunner } from './support/attached.ts'
import { skipBalancer, startBalancer } from './support/balancer.ts'
import { eventually } from './support/eventually.ts'
import { freePort } from './support/free-port.ts'
import { type GitRepository, gitRepository } from './support/git-repository.ts'
import { finished, logText, startUp } from './support/installation.ts'
import { type NarwhalProcess, startNarwhal } from './support/narwhal-process.ts'
import { type RunnerProcess, startRunnerProcess } from './support/runner-process.ts'
import { tempDir } from './support/temp-dir.ts'
import { clientOf, tokenIn } from './support/tokens.ts'

const COUNT = 'i=0; until [ -e "$GO" ]; do echo "line $i"; i=$((i+1)); sleep 0.02; done; echo end'
const SLOW = { timeoutMs: 60_000 }

const fileOf = (command: string, go = '/nonexistent') => ({
  'narwhal.yml': JSON.stringify({
    jobs: { far: { labels: ['far'], env: { GO: go }, steps: [{ name: 'step', command }] } },
  }),
})

async function startJob(client: ApiClient, { path: cloneUrl }: GitRepository): Promise<JobView> {
  await client.addRepository({ name: 'ada/project', cloneUrl, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/project' })
  return await eventually(async () => (await client.getPipeline(id)).jobs[0] ?? null, SLOW)
}

const linesOf = async (client: ApiClient, { id }: JobView): Promise<number> =>
  (await client.getJob(id)).attempts[0]?.lines ?? 0

const find = async (client: ApiClient, wanted: string): Promise<RunnerView | undefined> =>
  (await client.listRunners()).find(({ name }) => name === wanted)

const untilOnline = (client: ApiClient, name: string): Promise<RunnerView> =>
  eventually(async () => {
    const runner = await find(client, name)
    return runner?.state === 'online' && runner.link === 'attached' ? runner : null
  }, SLOW)

const untilEnded = (runner: RunnerProcess): Promise<true> =>
  eventually(() => (runner.process.child.exitCode !== null ? (true as const) : null), SLOW)

/** A Narwhal that asks for tokens, and a client with one. */
async function openPublic() {
  const narwhal = await startUp({ host: '0.0.0.0' })
  const { token } = narwhal
  const url = narwhal.url.replace('0.0.0.0', '127.0.0.1')
  const client = new ApiClient({ server: url, token }, new AbortController().signal)
  return { url, client, token, [Symbol.asyncDispose]: () => narwhal[Symbol.asyncDispose]() }
}

async function identityOf(runner: RunnerProcess): Promise<string> {
  const { installations } = JSON.parse(await readFile(`${runner.folder}/identity.json`, 'utf8'))
  return installations[0].secret
}

describe('a runner that attaches itself', { concurrency: 2 }, () => {
  test('joins by a token once, comes back without one, and is gone when it is removed', async () => {
    await using narwhal = await openPublic()
    const { client, url } = narwhal
    const { token } = await client.createJoinToken({ labels: ['far', 'gpu'] })
    const about = { name: 'far', labels: 'far,gpu' }
    const args = ['--dispatcher', url]
    const env = { NARWHAL_TOKEN: token }
    await using runner = await startRunnerProcess({ ...about, args, env })
    const { id, labels } = await untilOnline(client, 'far')
    assert.deepEqual(labels, ['far', 'gpu'])
    await using repository = await gitRepository({ files: fileOf('echo hello') })
    const { pipeline } = await finished({ client }, (await startJob(client, repository)).pipelineId)
    assert.equal(pipeline.outcome, 'success')

    await runner.process.kill('SIGTERM')
    await runner.restart()
    assert.equal((await untilOnline(client, 'far')).id, id)

    const identity = await identityOf(runner)
    await using second = await startRunnerProcess({ name: 'second', args, env })
    await untilEnded(second)
    assert.match(second.process.said(), /has been used by 1 of 1 runners/)
    await client.removeRunner('far')
    await untilEnded(runner)
    assert.match(runner.process.said(), /runner far was removed from Narwhal/)
    await runner.restart()
    await untilEnded(runner)
    assert.match(runner.process.said(), /has been used by 1 of 1 runners/)
    assert.equal(await attachStatus(url, identity), 401)
  })

  test('keeps its labels to what its token allows, whatever it says later', async () => {
    await using narwhal = await openPublic()
    const { client, url } = narwhal
    const { token } = await client.createJoinToken({ labels: ['far'] })
    const args = ['--dispatcher', url]
    const env = { NARWHAL_TOKEN: token }
    await using runner = await startRunnerProcess({ name: 'far', labels: 'far,admin', args, env })
    assert.deepEqual((await untilOnline(client, 'far')).labels, ['far'])
    assert.match(runner.process.said(), /admin.*labels not granted by the token are ignored/)
    await runner.process.kill()
    await eventually(async () => assert.equal((await find(client, 'far'))?.state, 'offline'), SLOW)
    const more = ['--data', runner.folder, '--executor', 'process:', '--health-port', '0']
    const about = ['--name', 'far', '--labels', 'far,admin']
    await using _again = startNarwhal(['runner', '--dispatcher', url, ...about, ...more])
    assert.deepEqual((await untilOnline(client, 'far')).labels, ['far'])
  })

  test('has an identity that opens nothing but the websocket, the list of dispatchers and its own leaving', async () => {
    await using narwhal = await openPublic()
    const { client, url } = narwhal
    const { token } = await client.createJoinToken({ labels: [] })
    const { identity } = await client.joinRunner({ name: 'far', token })
    const headers = { authorization: `Bearer ${identity}` }
    const status = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`${url}/api/v1${path}`, { method, headers })).status
    assert.equal(await status('/dispatchers'), 200)
    const own = { headers: { authorization: `Bearer ${narwhal.token}` } }
    const answer = await fetch(`${url}/api/v1/openapi.json`, own)
    const document = (await answer.json()) as { paths: Record<string, object> }
    let count = 0
    for (const [path, methods] of Object.entries(document.paths)) {
      if (!path.startsWith('/api/v1/') || path === '/api/v1/dispatchers') continue
      const isOpen = ['/api/v1/session', '/api/v1/proof', '/api/v1/runners/join'].includes(path)
      if (path === '/api/v1/runners/leave') continue
      for (const method of Object.keys(methods)) {
        if (isOpen) continue
        count++
        const place = path.slice('/api/v1'.length).replaceAll(/\{\w+\}/g, 'x')
        assert.equal(await status(place, method.toUpperCase()), 401, `${method} ${path}`)
      }
    }
    assert.ok(count > 25)
    // It joined to stay: nobody takes it away by its identity.
    assert.equal(await status('/runners/leave', 'POST'), 409)
    assert.ok(await find(client, 'far'))
    for (const path of ['/live', '/openapi.json']) assert.equal(await status(path), 401)
    assert.equal(await attachStatus(url, identity), 101)
    assert.equal(await attachStatus(url, token), 401)
    assert.equal(await attachStatus(url, narwhal.token), 401)
  })

  test('is refused for a while after too many wrong tokens from its address', async () => {
    await using narwhal = await openPublic()
    const { client } = narwhal
    const guess = (n: number) => client.joinRunner({ name: 'far', token: `narwhal_join_${n}` })
    for (let n = 0; n < 20; n++) await assert.rejects(guess(n), { code: 'unauthenticated' })
    await assert.rejects(guess(20), { code: 'exhausted' })
    // Behind one proxy all have one address: a token that is right is let in all the same.
    const { token } = await client.createJoinToken({})
    await client.joinRunner({ name: 'far', token })
  })

  test('needs a token on loopback as well', async () => {
    await using narwhal = await startUp()
    await using runner = await startRunnerProcess({
      name: 'far',
      args: ['--dispatcher', narwhal.url],
    })
    await untilEnded(runner)
    assert.match(runner.process.said(), /a token is needed to join/)
    assert.equal(await find(narwhal.client, 'far'), undefined)
  })
})

describe('a job on a runner that attaches itself', { concurrency: 2 }, () => {
  test('goes on while its dispatcher is killed and started again, and its log has no hole', async () => {
    await using gate = await tempDir()
    await using data = await tempDir()
    await using repository = await gitRepository({ files: fileOf(COUNT, gate.join('go')) })
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const client = clientOf(url, data.path)
    const launch = async (): Promise<NarwhalProcess> => {
      const flags = ['--port', String(port), '--data', data.path, '--executor', 'fake:']
      const started = startNarwhal(['up', ...flags])
      await eventually(() => started.said().includes('is up'), SLOW)
      return started
    }
    await using first = await launch()
    await using _runner = await startRunnerProcess({
      name: 'far',
      labels: 'far',
      args: ['--dispatcher', url],
      env: { NARWHAL_TOKEN: tokenIn(data.path) },
    })
    await untilOnline(client, 'far')
    const job = await startJob(client, repository)
    await eventually(async () => (await linesOf(client, job)) > 20, SLOW)
    await first.kill('SIGKILL')
    await using _second = await launch()
    const before = await linesOf(client, job)
    await eventually(async () => (await linesOf(client, job)) > before + 20, SLOW)
    await writeFile(gate.join('go'), '')
    const { pipeline, jobs } = await finished({ client }, job.pipelineId)
    assert.equal(pipeline.outcome, 'success')
    assert.equal(jobs[0]?.attempts.length, 1)
    const lines = (await logText({ client }, { id: job.id, attempt: 1 })).split('\n')
    assert.equal(lines.pop(), 'end')
    assert.deepEqual(
      lines,
      lines.map((_, i) => `line ${i}`),
    )
  })

  test('runs behind nginx with time-outs of 10 seconds, though it says nothing for longer', {
    skip: skipBalancer('nginx'),
  }, async () => {
    await using narwhal = await startUp()
    const { client } = narwhal
    await using nginx = await startBalancer('nginx', [narwhal.url], { websocketTimeoutS: 10 })
    const args = ['--dispatcher', nginx.url]
    const env = { NARWHAL_TOKEN: narwhal.token }
    await using runner = await startRunnerProcess({ name: 'far', labels: 'far', args, env })
    await untilOnline(client, 'far')
    await using repository = await gitRepository({ files: fileOf('sleep 11; echo awake') })
    const job = await startJob(client, repository)
    const { pipeline, jobs } = await finished(narwhal, job.pipelineId)
    assert.equal(pipeline.outcome, 'success')
    assert.equal(jobs[0]?.attempts.length, 1)
    assert.equal(await logText(narwhal, { id: job.id, attempt: 1 }), 'awake')
    assert.doesNotMatch(runner.process.said(), /detached from a dispatcher/)
  })

  test('can not be touched by another runner, whatever that one says', async () => {
    await using gate = await tempDir()
    await using narwhal = await startUp()
    const { client, url } = narwhal
    await using _runner = await startRunnerProcess({
      name: 'far',
      labels: 'far',
      args: ['--dispatcher', url],
      env: { NARWHAL_TOKEN: narwhal.token },
    })
    const { id } = await untilOnline(client, 'far')
    await using repository = await gitRepository({ files: fileOf(COUNT, gate.join('go')) })
    const job = await startJob(client, repository)
    await eventually(async () => (await linesOf(client, job)) > 5, SLOW)

    const { identity } = await client.joinRunner({ name: 'hostile', token: narwhal.token })
    const asked: string[] = []
    const claims = [1n, 2n, 3n, 4n].map((fence) => ({ jobId: job.id, attempt: 1, fence }))
    using _hostile = await attachRawRunner(url, identity, {
      describe: () => ({ instanceId: 'x', name: 'far', labels: ['far'], slots: 1000 }),
      watchLoad: async function* (_request, { signal }) {
        while (!signal.aborted) {
          // No room, so that nothing is given to it; but it says that others' attempts are here.
          yield { instanceId: 'x', slots: 0, orphans: claims }
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      },
      runAttempt: async function* (requests) {
        for await (const { request } of requests) {
          asked.push(request.case === 'start' ? request.value.jobId : String(request.case))
          yield {
            seq: 1n,
            event: { case: 'finished', value: { outcome: Outcome.SUCCESS, reason: 'mine' } },
          }
        }
      },
      discard: ({ jobId, fence }) => {
        asked.push(`discard ${jobId} ${fence}`)
        return {}
      },
    })
    await untilOnline(client, 'hostile')
    await eventually(() => asked.length >= 4, SLOW)
    const before = await linesOf(client, job)
    await eventually(async () => (await linesOf(client, job)) > before + 10, SLOW)
    assert.ok(
      asked.every((one) => one.startsWith('discard ')),
      asked.join(', '),
    )
    // What it calls itself is the other's name, and changes nothing.
    assert.equal((await find(client, 'far'))?.id, id)
    await writeFile(gate.join('go'), '')
    const { pipeline, jobs } = await finished(narwhal, job.pipelineId)
    assert.equal(pipeline.outcome, 'success')
    assert.equal(jobs[0]?.attempts.length, 1)
  })
})

/** What the handshake is answered with. */
async function attachStatus(url: string, identity: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const socket = new WebSocket(`${url.replace('http', 'ws')}${ATTACH_PATH}`, {
    headers: { authorization: `Bearer ${identity}` },
  })
  socket.on('error', () => {})
  socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
  socket.on('open', () => resolve(101))
  const status = await promise
  socket.terminate()
  return status
}
