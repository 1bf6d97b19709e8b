import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { readGitEnv } from '../../src/config/env.ts'
import { askForge } from '../../src/dispatcher/forge-authors/ask-forge.ts'
import { testDelivery } from '../../src/dispatcher/repositories/test-delivery.ts'
import { sendStatus } from '../../src/dispatcher/statuses/send-status.ts'
import { parseCloneUrl } from '../../src/lib/git/git.ts'
import { followingRedirects } from '../../src/lib/git/git-redirects.ts'
import { ANY_HOSTS } from '../../src/lib/reach/hosts.ts'
import { FetchHosts } from '../../src/runner/checkout/fetch-hosts.ts'
import { downloadObject } from '../../src/runner/checkout/lfs/download-object.ts'
import { askForObjects } from '../../src/runner/checkout/lfs/lfs-batch.ts'
import { askServer } from '../../src/runner/mirror/ask-server.ts'
import { listRemoteTags } from '../../src/runner/mirror/smart-http.ts'
import { eventually } from '../support/eventually.ts'
import { tempDir } from '../support/temp-dir.ts'

const OID = 'a'.repeat(64)
/** More than any answer may have, and less than the server sends to a client that reads on. */
const MOST_GIVEN = 64 * 1024 * 1024

/** Answers everything endlessly, or starts an answer and is then silent. */
async function server(how: 'endless' | 'silent') {
  let given = 0
  let asked = 0
  const chunk = Buffer.from('7fff'.repeat(4096))
  const http = createServer((request, response) => {
    asked++
    request.resume()
    response.on('error', () => {})
    response.writeHead(request.url?.includes('/redirected/') ? 302 : 200, {
      location: '/elsewhere/info/refs',
      'content-type': 'application/x-git-upload-pack-result',
    })
    response.write(how === 'endless' ? chunk : '0')
    const more = (): void => {
      while (!response.destroyed && given < 4 * MOST_GIVEN) {
        given += chunk.length
        if (!response.write(chunk)) return
      }
    }
    if (how === 'endless') {
      response.on('drain', more)
      more()
    }
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    given: () => given,
    asked: () => asked,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

type Asking = (url: string, signal: AbortSignal) => Promise<unknown>

const hostsOf = (cloneUrl: string) =>
  new FetchHosts({ cloneUrl, isStranger: false, hosts: [] }, ANY_HOSTS)

/** Every request that Narwhal itself makes for users, without git. */
const ASKED: Readonly<Record<string, Asking>> = {
  'a status': (url, signal) => sendStatus({ url, headers: {}, body: {} }, ANY_HOSTS, signal),
  'what a forge knows of an author': (url, signal) =>
    askForge({ url, headers: {} }, ANY_HOSTS, signal),
  'where git is sent on to': (url, signal) => {
    const clone = parseCloneUrl(`${url}/redirected`)
    const fails = async (): Promise<never> => {
      throw new Error('The requested URL returned error: 302')
    }
    return followingRedirects(clone, fails, { env: readGitEnv(), signal })
  },
  'a batch of Git LFS': (url, signal) =>
    askForObjects({ url, headers: {} }, [{ oid: OID, size: 9 }], { hosts: hostsOf(url), signal }),
  'an object of Git LFS': async (url, signal) => {
    await using dir = await tempDir()
    const object = { oid: OID, size: 2 ** 20, href: `${url}/x`, headers: {}, by: 'own' } as const
    await downloadObject(object, dir.join('x'), { hosts: hostsOf(url), signal })
  },
  'what a git server can do': async (url, signal) => {
    await askServer({ url }, await ANY_HOSTS.find('127.0.0.1'), signal)
  },
  'the tags of a repository': (url, signal) =>
    listRemoteTags({ url, hosts: ANY_HOSTS, facts: { version: 2, objectFormat: 'sha1' } }, signal),
}

for (const [what, ask] of Object.entries(ASKED)) {
  test(`SEC-16r: an endless answer is read up to its limit, for ${what}`, async () => {
    await using endless = await server('endless')
    await ask(endless.url, new AbortController().signal).catch(() => undefined)
    assert.ok(endless.asked() > 0)
    assert.ok(endless.given() < MOST_GIVEN, `${endless.given()} bytes`)
  })

  test(`SEC-16s: a server that stops in the middle of an answer is abandoned with its caller, for ${what}`, async () => {
    await using silent = await server('silent')
    const stop = new AbortController()
    const asking = ask(silent.url, stop.signal).catch(() => undefined)
    await eventually(() => (silent.asked() > 0 ? true : null), { message: 'the question' })
    stop.abort(new Error('the test is over'))
    await asking
  })
}

test('SEC-16t: a test delivery reveals nothing of a server that answers endlessly', async () => {
  await using endless = await server('endless')
  const repository = {
    id: 'repo_1',
    name: 'ada/app',
    cloneUrl: '/srv/app',
    forge: 'github',
    secret: 'x',
  } as const
  const bounds = { reach: 'private', hosts: ANY_HOSTS, ownPorts: [] } as const
  const told = await testDelivery(repository, `${endless.url}/webhooks/github/repo_1`, bounds)
  assert.deepEqual(told, { ok: false, words: 'the server there is not a Narwhal agent' })
  assert.ok(endless.given() < MOST_GIVEN)
})
