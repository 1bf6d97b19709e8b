import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import { fetchByGit } from '../../runner/mirror/fetch-by-git.ts'
import { parseCloneUrl } from './git.ts'
import { listRemote } from './list-remote.ts'

const env = readGitEnv()
const { signal } = new AbortController()

async function serve(listener: RequestListener) {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

test('follows a redirect within the host, for listing and fetching', async () => {
  await using repository = await gitRepository({ files: { a: 'a' }, serve: true })
  const sha = await repository.head()
  const inside = new URL(repository.url)
  await using front = await serve((request, response) => {
    if (request.url?.startsWith('/old/')) {
      response.writeHead(301, { location: request.url.replace('/old/', '/new/') }).end()
      return
    }
    const path = request.url?.replace('/new/', `${inside.pathname}/`)
    void fetch(new URL(path ?? '', inside), {
      method: request.method ?? 'GET',
      headers: { ...(request.headers as Record<string, string>), host: inside.host },
      ...(request.method === 'POST' ? { body: request, duplex: 'half' } : {}),
    } as RequestInit).then(async (answer) => {
      const type = answer.headers.get('content-type') ?? 'text/plain'
      response.writeHead(answer.status, { 'content-type': type })
      response.end(Buffer.from(await answer.arrayBuffer()))
    })
  })
  const cloneUrl = `http://127.0.0.1:${front.port}/old`
  const refs = await listRemote(parseCloneUrl(cloneUrl), ['refs/heads/*'], { env })
  assert.equal(refs.get('refs/heads/main'), sha)
  await using dir = await tempDir()
  const mirror = dir.join('mirror.git')
  const commit = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl,
    ref: 'refs/heads/main',
    sha,
  } as const
  await fetchByGit({ mirror, commit, ref: 'refs/narwhal/x', env, signal })
})

test('a redirect to another host, port or protocol is not followed', async () => {
  let asked = 0
  await using other = await serve((_request, response) => {
    asked++
    response.end()
  })
  const targets = [
    `http://127.0.0.1:${other.port}/app`,
    `http://localhost:${other.port}/app`,
    'http://169.254.169.254/latest/meta-data',
    'file:///etc',
    'ext::sh -c id',
  ]
  for (const target of targets) {
    await using server = await serve((request, response) => {
      const [path = '', query = ''] = (request.url ?? '').slice('/app'.length).split('?')
      response.writeHead(302, { location: `${target}${path}?${query}` }).end()
    })
    const clone = parseCloneUrl(`http://127.0.0.1:${server.port}/app`)
    await assert.rejects(listRemote(clone, ['refs/heads/*'], { env }), {
      code: 'unavailable',
      message:
        /redirects, and its target is on another host: register the repository with its URL at/,
    })
  }
  assert.equal(asked, 0)
})

test('stops at a redirect loop', async () => {
  await using server = await serve((request, response) => {
    response.writeHead(301, { location: `/again${request.url}` }).end()
  })
  const clone = parseCloneUrl(`http://127.0.0.1:${server.port}/app`)
  await assert.rejects(listRemote(clone, ['refs/heads/*'], { env }), { code: 'unavailable' })
})
