import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { isLoopbackUrl } from '../../src/lib/reach/loopback.ts'
import { startUp } from '../support/installation.ts'
import { runNarwhal } from '../support/narwhal-process.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What another user of the machine receives who listens where a command line looks for Narwhal. */
async function openSquatter(answer: (path: string) => Promise<Response>) {
  const heard: string[] = []
  const server = createServer((request, response) => {
    heard.push(JSON.stringify(request.headers))
    request.on('data', (data: Buffer) => heard.push(data.toString()))
    request.on('end', () => {
      void answer(request.url ?? '').then(async (given) => {
        response.writeHead(given.status, { 'content-type': 'application/json' })
        response.end(await given.text())
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: () => heard.join('\n'),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test("WHO-50: an impostor on Narwhal's port never receives the token of the data folder", async () => {
  await using narwhal = await startUp()
  const { dataDir, token, url } = narwhal
  const list = ['repo', 'list', '--data', dataDir, '--json', '--server']
  // One that knows nothing, and one that relays to the real server.
  const answers = [
    async () => Response.json({ proof: 'a'.repeat(64) }),
    async (path: string) => await fetch(url + path),
  ]
  for (const answer of answers) {
    await using squatter = await openSquatter(answer)
    const { code, said } = await runNarwhal([...list, squatter.url])
    assert.notEqual(code, 0)
    assert.match(said, /does not prove that it has the token of the data folder/)
    assert.ok(squatter.heard().length > 0)
    assert.doesNotMatch(squatter.heard(), /authorization/)
    assert.ok(!squatter.heard().includes(token))
    const join = ['runner', '--dispatcher', squatter.url, '--data', dataDir, '--executor', 'fake:']
    // The folder is the server's, from which the token is read; a runner may have another.
    await using own = await tempDir()
    await writeFile(own.join('token'), token, { mode: 0o600 })
    const joined = await runNarwhal([...join.with(4, own.path), '--health-port', '0'])
    assert.match(joined.said, /does not prove/)
    assert.ok(!squatter.heard().includes(token))
  }
  // And the real one is accepted, by any name of this machine.
  for (const server of [url, url.replace('127.0.0.1', 'localhost')]) {
    assert.ok(isLoopbackUrl(server))
    const { code, said } = await runNarwhal([...list, server])
    assert.equal(code, 0, said)
  }
})

test("WHO-50b: a proof is valid on this machine only, and its nonce can't be guessed", async () => {
  await using narwhal = await startUp()
  const ask = async (nonce: string): Promise<number> =>
    (await fetch(`${narwhal.url}/api/v1/proof?nonce=${nonce}`)).status
  assert.equal(await ask('0'.repeat(64)), 200)
  assert.equal(await ask(''), 400)
  assert.equal(await ask('x'.repeat(64)), 400)
})
