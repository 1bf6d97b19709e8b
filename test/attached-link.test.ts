import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../src/lib/log.ts'
import { Attachments, type AttachmentsDeps } from '../src/runner/attach/attachments.ts'
import { serveSockets } from '../src/runner/attach/serve-sockets.ts'
import type { Runner } from '../src/runner/runner.ts'
import { addIdentity, openAttachHost } from './support/attach-host.ts'
import { runnerClient } from './support/attempt-client.ts'
import { eventually } from './support/eventually.ts'
import { startTestRunner } from './support/test-runner.ts'
import { openTestStore } from './support/test-store.ts'

/** The runner's side, at work until disposed. */
function attach(
  runner: Runner,
  identity: string,
  more: Partial<AttachmentsDeps> & { urls: string[] },
) {
  const log = silentLog()
  const server = serveSockets(runner, log)
  const stop = new AbortController()
  const attachments = new Attachments({
    identity,
    log,
    serve: (socket) => server.serve(socket),
    lookMs: 100,
    listDispatchers: async (url, signal) => {
      const headers = { authorization: `Bearer ${identity}` }
      const answer = await fetch(`${url}/api/v1/dispatchers`, { headers, signal })
      assert.equal(answer.status, 200)
      return ((await answer.json()) as { dispatchers: { id: string; url?: string }[] }).dispatchers
    },
    ...more,
  })
  const ended = attachments.run(stop.signal).then(
    () => undefined,
    (error: unknown) => error,
  )
  return {
    attachments,
    ended,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      stop.abort()
      await ended
    },
  }
}

test('a runner answers over the socket that it has opened', async () => {
  await using store = await openTestStore()
  await using host = await openAttachHost(store)
  await using served = await startTestRunner({ labels: ['gpu'] })
  const { record, identity } = await addIdentity(store)
  await using _attached = attach(served.runner, identity, { urls: [host.url] })
  const connector = await eventually(() => host.connectors.get(record.id) ?? null)
  const client = runnerClient(connector.connect().transport)
  const about = await client.describe({})
  assert.deepEqual(about.labels, ['gpu'])
})
