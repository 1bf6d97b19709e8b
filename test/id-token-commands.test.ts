import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { test } from 'node:test'
import { makeAuthority } from './support/certificates.ts'
import { freePort } from './support/free-port.ts'
import { gitRepository } from './support/git-repository.ts'
import { register, startUp } from './support/installation.ts'
import { runNarwhal } from './support/narwhal-process.ts'
import { tempDir } from './support/temp-dir.ts'

/** Serves the files of a folder by TLS, as a bucket does, on this port. */
async function serveFolder(folder: string, port: number) {
  const authority = await makeAuthority('clouds')
  const { cert, key } = await authority.sign('localhost')
  const asked: string[] = []
  const files = async (url: string) => await readFile(`${folder}${url}`).catch(() => undefined)
  const options = { cert: await readFile(cert), key: await readFile(key) }
  const server = createServer(options, (request, response) => {
    const { url = '' } = request
    asked.push(url)
    void files(url).then((bytes) => response.writeHead(bytes ? 200 : 404).end(bytes))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    ca: authority.ca,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await authority[Symbol.asyncDispose]()
    },
  }
}

test('exported documents are those that a check wants to find at the issuer, until the keys change', async () => {
  await using dir = await tempDir()
  await using source = await gitRepository({ files: { a: 'a' } })
  const port = await freePort()
  const issuer = `https://localhost:${port}/ci`
  await using narwhal = await startUp({ oidcIssuer: issuer })
  const oidc = async (...args: string[]) => {
    const { code, said } = await runNarwhal(['oidc', ...args, '--server', narwhal.url], {
      NARWHAL_TOKEN: narwhal.token,
    })
    return { code, said: said.replaceAll(`localhost:${port}`, 'HOST') }
  }
  // The first key is made while it starts.
  await narwhal.client.rotateIdTokenKeys(false)
  const exported = await oidc('export', dir.join('ci'))
  assert.equal(exported.code, 0, exported.said)
  await using cloud = await serveFolder(dir.path, port)
  const check = () => oidc('check', '--ca', cloud.ca)

  const untrusted = await oidc('check')
  assert.equal(untrusted.code, 1)
  assert.match(untrusted.said, /can't be fetched.*certificate/i)
  assert.deepEqual(await check(), { code: 0, said: 'https://HOST/ci: OK\n' })
  assert.deepEqual(cloud.asked, [
    '/ci/.well-known/openid-configuration',
    '/ci/.well-known/jwks.json',
  ])

  const rotated = await oidc('rotate', '--now')
  assert.equal(rotated.code, 0)
  assert.match(rotated.said, /gone .*\n.*signing .*\n.*rejected from then on/s)
  const after = await check()
  assert.equal(after.code, 1)
  assert.match(after.said, /key \S+ is missing: tokens it signed will be rejected\n/)
  assert.match(after.said, /key \S+ no longer belongs to this server\n/)
  await oidc('export', dir.join('ci'))
  assert.equal((await check()).code, 0)

  const { said: keys } = await oidc('keys')
  assert.match(keys, /^issuer https:\/\/HOST\/ci\n/)
  await register(narwhal, source.path, { name: 'ada/app' })
  const { said: sub } = await oidc('subject', 'ada/app', '--ref', 'refs/tags/v1', '--job', 'ship')
  assert.match(sub, /^repo:ada\/app:[0-9a-z]{20}:job:ship:ref:refs\/tags\/v1\n$/)
  assert.equal((await oidc('subject', 'ada/app', '--ref', 'main')).code, 2)
})

test('without an issuer there is nothing to export, to check or to rotate, and it says what to do', async () => {
  await using narwhal = await startUp()
  for (const args of [['export', 'x'], ['check'], ['rotate']]) {
    const { code, said } = await runNarwhal(['oidc', ...args, '--server', narwhal.url], {
      NARWHAL_TOKEN: narwhal.token,
    })
    assert.equal(code, 6, said)
    assert.match(said, /no issuer of id tokens is set: set --oidc-issuer/)
  }
})
