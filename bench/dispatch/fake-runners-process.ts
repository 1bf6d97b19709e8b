import { once } from 'node:events'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ServiceImpl } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import {
  Outcome,
  type RunAttemptRequest,
  type RunAttemptResponseSchema,
  RunnerService,
} from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import { planToJson } from '../../src/contract/plan/plan-json.ts'

/** So many fake runners listen, and each says where. */
export interface FakeRunnersReady {
  readonly urls: readonly string[]
}

/**
 * Runners that speak the whole protocol and do nothing: every commit is one job of one step, which
 * succeeds at once. What is measured with them is all that is not a runner's.
 */
const [count = '1', slots = '1'] = process.argv.slice(2)
const urls: string[] = []
for (let i = 0; i < Number(count); i++) urls.push(await serve(`fake-${i}`))
process.send?.({ urls } satisfies FakeRunnersReady)
process.on('disconnect', () => process.exit(0))

async function serve(name: string): Promise<string> {
  const routes = { routes: (router: Router) => void router.service(RunnerService, runner(name)) }
  const server = createServer(connectNodeAdapter({ ...routes, acceptCompression: [] }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

type Router = Parameters<NonNullable<Parameters<typeof connectNodeAdapter>[0]['routes']>>[0]

function runner(name: string): ServiceImpl<typeof RunnerService> {
  const about = { instanceId: name, slots: Number(slots) }
  return {
    describe: () => ({ ...about, name, engines: ['fake'], version: 'bench' }),
    watchLoad: async function* (_request, { signal }) {
      // Busy slots are those that the dispatcher has promised: it counts them itself.
      while (!signal.aborted) {
        yield about
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      }
    },
    planCommit: () => ({
      title: 'Feed the whale',
      author: 'Ada',
      result: { case: 'plan', value: planToJson(PLAN) },
      ...about,
    }),
    runAttempt: (requests) => attempt(requests, name),
    drain: () => ({}),
    discard: () => ({}),
    probe: () => ({ trouble: '' }),
  }
}

const STEP = { name: 'hello', command: 'echo hello', dependencies: [], env: {} }
const PLAN = {
  name: 'bench',
  jobs: [{ name: 'main', image: 'alpine', env: {}, needs: [], labels: [], steps: [STEP] }],
}

type Response = MessageInitShape<typeof RunAttemptResponseSchema>
type Event = NonNullable<Response['event']>

async function* attempt(
  requests: AsyncIterable<RunAttemptRequest>,
  instanceId: string,
): AsyncGenerator<Response> {
  const events: Event[] = [
    { case: 'started', value: { instanceId } },
    { case: 'stepStarted', value: { step: 0 } },
    { case: 'stepFinished', value: { step: 0, outcome: Outcome.SUCCESS, exitCode: 0 } },
    { case: 'finished', value: { outcome: Outcome.SUCCESS } },
  ]
  const asked = requests[Symbol.asyncIterator]()
  await asked.next()
  let seq = 0n
  for (const event of events) yield { seq: ++seq, atMs: BigInt(Date.now()), event }
  for (let next = await asked.next(); !next.done; next = await asked.next()) {
    const { request } = next.value
    if (request.case === 'acknowledge' && request.value.throughSeq >= seq) return
  }
}
