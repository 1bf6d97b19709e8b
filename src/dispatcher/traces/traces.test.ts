import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { z } from 'zod'
import { eventually } from '#root/test/support/eventually.ts'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { deliver, pushPayload } from '#root/test/support/github.ts'
import { finished, pipelineOf, register, startUp } from '#root/test/support/installation.ts'
import { bearer } from '#root/test/support/tokens.ts'
import { waterfallView } from '../../contract/rest/waterfall.ts'

const otlpBody = z.object({
  resourceSpans: z.array(
    z.object({
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              startTimeUnixNano: z.coerce.bigint(),
              endTimeUnixNano: z.coerce.bigint(),
              status: z.object({ code: z.number().optional() }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
})

/** A collector that accepts traces by OTLP/HTTP (JSON), and answers with this status. */
async function collector(status = 200) {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      if (request.url === '/v1/traces') bodies.push(body)
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans: () =>
      bodies
        .flatMap((body) => otlpBody.parse(JSON.parse(body)).resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const FILE = { 'narwhal.yml': 'name: app\nsteps:\n  - print one\n  - exit 3\n' }

test('a collector gets a trace of each pipeline, consistent with its waterfall', async () => {
  await using server = await collector()
  await using repository = await gitRepository({ files: FILE })
  await using narwhal = await startUp({ otlp: server.url })
  const { forge, secret } = await register(narwhal, repository.path)
  const remote = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
  const { body } = await deliver(narwhal.url, {
    event: 'push',
    payload: pushPayload(forge, { sha: await repository.head() }),
    secret,
    headers: { traceparent: `00-${remote.traceId}-${remote.spanId}-00` },
  })
  const { id } = await pipelineOf(narwhal, body.eventId)
  await finished(narwhal, id)
  const spans = await eventually(() => (server.spans().length > 0 ? server.spans() : null))
  const headers = bearer(narwhal.token)
  const answer = await fetch(`${narwhal.url}/api/v1/pipelines/${id}/waterfall`, { headers })
  const waterfall = waterfallView.parse(await answer.json())

  const root = spans.find((span) => span.parentSpanId === remote.spanId)
  const job = spans.find((span) => span.name === 'job main')
  assert.equal(root?.name, 'pipeline app')
  assert.equal(job?.parentSpanId, root.spanId)
  assert.deepEqual([root.status?.code, job.status?.code], [2, 2])
  assert.deepEqual(new Set(spans.map(({ traceId }) => traceId)), new Set([remote.traceId]))
  assert.equal(waterfall.spans[0]?.name, 'accept')
  const sent = spans
    .filter((span) => span !== root && span !== job)
    .map(({ name, startTimeUnixNano: from, endTimeUnixNano: to, parentSpanId }) => {
      const owner = parentSpanId === root.spanId ? 'pipeline' : 'job'
      return `${owner} ${name} ${from / 1_000_000n} +${(to - from) / 1_000_000n}`
    })
  const shown = waterfall.spans.map(({ job: of, name, step, startAt, durationMs }) => {
    return `${of ? 'job' : 'pipeline'} ${step ? `step ${step.name}` : name} ${startAt} +${durationMs}`
  })
  assert.deepEqual(sent.toSorted(), shown.toSorted())
})

test('a collector that rejects traces delays no pipeline', async () => {
  await using server = await collector(400)
  await using repository = await gitRepository({ files: FILE })
  await using narwhal = await startUp({ otlp: server.url })
  await narwhal.client.addRepository({
    name: 'ada/app',
    cloneUrl: repository.path,
    pollIntervalMs: 0,
  })
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/app' })
  assert.equal((await finished(narwhal, id)).pipeline.outcome, 'failure')
  await eventually(() => server.bodies.length > 0)
})
