import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type ClientDuplexStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import {
  AttemptClient,
  headOf,
  orderOf,
  runnerClientAt,
} from '../../../test/support/attempt-client.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { HandExecutor } from '../../../test/support/hand-executor.ts'
import { jobJson } from '../../../test/support/job-json.ts'
import { startTestRunner, type TestRunnerOptions } from '../../../test/support/test-runner.ts'
import { RUNNER_TOKEN } from '../../../test/support/tokens.ts'
import { silentLog } from '../../lib/log.ts'
import { serveRunner } from './serve.ts'

/** A client that shares no code with Connect: what it understands, any gRPC client does. */
function independentClient(url: string) {
  const file = join(import.meta.dirname, '../../../proto/narwhal/v1/runner.proto')
  const loaded = loadPackageDefinition(
    loadSync(file, { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true }),
  )
  const service = ['narwhal', 'v1', 'RunnerService'].reduce<unknown>(
    (found, name) => (found as GrpcObject)[name],
    loaded,
  ) as ServiceClientConstructor
  const client = new service(url.replace('http://', ''), credentials.createInsecure())
  const metadata = (token: string | null = RUNNER_TOKEN) => {
    const data = new Metadata()
    if (token !== null) data.set('authorization', `Bearer ${token}`)
    return data
  }
  return {
    call: (method: string, request: object, token?: string | null) =>
      new Promise<Message>((resolve, reject) => {
        const call = client[method] as (...args: unknown[]) => void
        call.call(
          client,
          request,
          metadata(token),
          (error: ServiceError | null, answer: Message) =>
            error ? reject(error) : resolve(answer),
        )
      }),
    stream: (method: string, request?: object, token?: string | null) => {
      const call = client[method] as (...args: unknown[]) => ClientDuplexStream<object, Message>
      const stream = call.call(client, ...(request ? [request] : []), metadata(token))
      const messages: Message[] = []
      const end: { error?: ServiceError | null } = {}
      stream.on('data', (message: Message) => {
        if (message['event'] !== 'heartbeat') return messages.push(message)
        const { sent_ms } = message['heartbeat'] as Message
        return stream.write({ acknowledge: { lease_sent_ms: sent_ms } })
      })
      stream.on('error', (error: ServiceError) => (end.error = error))
      stream.on('end', () => (end.error ??= null))
      return { stream, messages, end }
    },
    [Symbol.dispose]: () => client.close(),
  }
}

interface Message {
  readonly [field: string]: unknown
}

async function stage(options: Pick<TestRunnerOptions, 'slots' | 'token' | 'flawedTools'> = {}) {
  const stack = new AsyncDisposableStack()
  const files = { 'narwhal.yml': 'steps:\n  - name: test\n    command: npm test\n' }
  const repository = stack.use(await gitRepository({ files, serve: true }))
  const executor = new HandExecutor()
  const served = stack.use(await startTestRunner({ executor, labels: ['gpu'], ...options }))
  const client = stack.use(independentClient(served.url))
  const { repositoryId, repositoryName, cloneUrl, ref, sha } = await headOf(repository)
  const commit = {
    repository_id: repositoryId,
    repository_name: repositoryName,
    clone_url: cloneUrl,
    ref,
    sha,
  }
  const job = jobJson({ steps: [{ name: 'test', command: 'npm test' }] })
  const order = { job_id: 'job_1', attempt: 1, fence: 1, commit, job }
  return {
    repository,
    executor,
    served,
    client,
    commit,
    order,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('tells an independent gRPC client who it is and what a commit has planned', async () => {
  const flawedTools = [{ name: 'git', version: '2.43.6', holes: ['CVE-2025-48384: a hole'] }]
  await using at = await stage({ slots: 3, flawedTools })
  const description = await at.client.call('Describe', {})
  assert.equal(description['name'], 'test')
  assert.equal(description['slots'], 3)
  assert.deepEqual(description['labels'], ['gpu'])
  assert.deepEqual(description['engines'], ['fake'])
  assert.match(String(description['instance_id']), /^instance_/)
  assert.deepEqual(description['flawed_tools'], flawedTools)
  const planned = await at.client.call('PlanCommit', { commit: at.commit })
  assert.equal(planned['result'], 'plan')
  assert.equal(planned['title'], 'Begin')
})

test('sends its load at once and after each change', async () => {
  await using at = await stage()
  const { stream, messages } = at.client.stream('WatchLoad', { interval_ms: 60_000 })
  await eventually(() => messages.length === 1)
  assert.equal(messages[0]?.['busy'], 0)
  assert.ok(Number(messages[0]?.['memory_total_bytes']) > 0)
  assert.ok(Number(messages[0]?.['disk_free_bytes']) > 0)
  await at.client.call('Drain', { draining: true })
  await eventually(() => messages.at(-1)?.['draining'] === true)
  await at.client.call('Drain', { draining: false })
  const run = at.client.stream('RunAttempt')
  run.stream.write({ start: at.order })
  await eventually(() => messages.at(-1)?.['busy'] === 1)
  ;(await eventually(() => at.executor.steps[0] ?? null)).exit(0)
  await eventually(() => messages.at(-1)?.['busy'] === 0)
  stream.cancel()
  run.stream.cancel()
})

test('says what is wrong with its engine', async () => {
  await using at = await stage()
  at.executor.trouble = 'Docker does not answer: start it'
  const { stream, messages } = at.client.stream('WatchLoad', {})
  await eventually(() => messages.length > 0)
  assert.equal(messages[0]?.['trouble'], 'Docker does not answer: start it')
  stream.cancel()
})

test('runs an attempt for an independent gRPC client, with acknowledgements and a cancel', async () => {
  await using at = await stage()
  const { stream, messages, end } = at.client.stream('RunAttempt')
  stream.write({ start: at.order })
  const step = await eventually(() => at.executor.steps[0] ?? null)
  void step.write('hello – world\n')
  await eventually(() => messages.some(({ event }) => event === 'log'))
  const log = messages.find(({ event }) => event === 'log')?.['log'] as Message
  assert.equal(log['packing'], 'PACKING_PLAIN')
  assert.match(String(log['content']), /hello – world\n$/)
  stream.write({ acknowledge: { through_seq: messages.length } })
  stream.write({ cancel: { reason: 'enough' } })
  await eventually(() => messages.at(-1)?.['event'] === 'finished')
  const finished = messages.at(-1)?.['finished'] as Message
  assert.equal(finished['outcome'], 'OUTCOME_CANCELLED')
  assert.equal(end.error, undefined)
  stream.write({ acknowledge: { through_seq: Number(messages.at(-1)?.['seq']) } })
  await eventually(() => end.error === null)
  stream.end()
})

test('answers every refusal by its status code, with words', async () => {
  await using at = await stage({ slots: 1 })
  const codeOf = async (requests: object[]) => {
    const { stream, end } = at.client.stream('RunAttempt')
    for (const request of requests) stream.write(request)
    const error = await eventually(() => end.error ?? null)
    assert.ok(error.details.length > 10)
    return error.code
  }
  const start = (more: object) => ({ start: { ...at.order, ...more } })
  assert.equal(await codeOf([{ cancel: { reason: 'x' } }]), status.INVALID_ARGUMENT)
  assert.equal(await codeOf([start({ job_id: 'nonsense' })]), status.INVALID_ARGUMENT)
  assert.equal(await codeOf([start({ resume: true })]), status.NOT_FOUND)
  const run = at.client.stream('RunAttempt')
  run.stream.write(start({ fence: 7 }))
  await eventually(() => at.executor.steps[0] ?? null)
  assert.equal(await codeOf([start({ job_id: 'job_2' })]), status.RESOURCE_EXHAUSTED)
  assert.equal(await codeOf([start({ fence: 6 })]), status.ABORTED)
  const sha = 'ab'.repeat(20)
  await assert.rejects(at.client.call('PlanCommit', { commit: { ...at.commit, sha } }), {
    code: status.UNAVAILABLE,
    // Connect encodes more of the words than grpc-js decodes.
    details: /is not in acme(?:\/|%2F)app/,
  })
  await assert.rejects(at.client.call('PlanCommit', {}), { code: status.INVALID_ARGUMENT })
  run.stream.cancel()
})

test('asks for its token on every call', async () => {
  await using at = await stage({ token: 'sesame' })
  assert.equal((await at.client.call('Describe', {}, 'sesame'))['name'], 'test')
  for (const token of [null, '', 'Sesame', 'sesame2']) {
    await assert.rejects(at.client.call('Describe', {}, token), { code: status.UNAUTHENTICATED })
  }
  const { end } = at.client.stream('WatchLoad', {})
  await eventually(() => end.error?.code === status.UNAUTHENTICATED)
  const run = at.client.stream('RunAttempt')
  run.stream.write({ start: at.order })
  await eventually(() => run.end.error?.code === status.UNAUTHENTICATED)
  assert.equal(at.executor.opened.length, 0)
})

test('goes on without its dispatcher when the connection breaks', async () => {
  await using at = await stage()
  const commit = await headOf(at.repository)
  const first = new AttemptClient(runnerClientAt(at.served.url), orderOf(commit, ['one']))
  const step = await eventually(() => at.executor.steps[0] ?? null)
  await eventually(() => first.words.includes('step 0'))
  const seen = first.events.length
  await at.served.stopServing()
  assert.equal((await first.untilEnded())?.code, 'unavailable')
  void step.write('nobody listens\n')
  step.exit(0)
  await using again = await serveRunner(at.served.runner, {
    host: '127.0.0.1',
    port: 0,
    log: silentLog(),
    token: RUNNER_TOKEN,
  })
  const resume = { resume: true, afterSeq: BigInt(seen) }
  const second = new AttemptClient(runnerClientAt(again.url), orderOf(commit, [], resume))
  await second.untilFinished()
  assert.deepEqual(second.words, [
    'log 0 nobody listens',
    'step 0 ended success',
    'finished success',
  ])
  second.acknowledge()
  assert.equal(await second.untilEnded(), null)
})

test('answers a load balancer that asks for its health, without a token', async () => {
  await using at = await stage({ token: 'sesame' })
  const session = connect(at.served.url)
  const ask = async (path: string) => {
    const request = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const trailers = once(request, 'trailers')
    request.end(Buffer.alloc(5))
    const chunks: Buffer[] = await request.toArray()
    const [{ 'grpc-status': code }] = await trailers
    return { code, body: Buffer.concat(chunks) }
  }
  const { code, body } = await ask('/grpc.health.v1.Health/Check')
  assert.equal(code, '0')
  assert.deepEqual([...body.subarray(5)], [0x08, 0x01])
  assert.equal((await ask('/no.such.Service/Call')).code, String(status.UNIMPLEMENTED))
  session.close()
})

test('says which port is taken', async () => {
  await using at = await stage()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const options = { host: '127.0.0.1', port, log: silentLog(), token: RUNNER_TOKEN }
  await assert.rejects(serveRunner(at.served.runner, options), {
    code: 'conflict',
    message: new RegExp(`port ${port} of 127.0.0.1 is in use`),
  })
  other.close()
})
