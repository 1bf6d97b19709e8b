import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { clonePlace } from '../../core/forge-path.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { findForge } from './find-forge.ts'

type Answer = (path: string, response: ServerResponse) => void

async function found(answer: Answer, path = '/octo/hello.git') {
  const server = createServer((request, response) => answer(request.url ?? '', response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
    const { signal } = new AbortController()
    const { forge, isKnown } = await findForge(clonePlace(url), { hosts: ANY_HOSTS, signal })
    return isKnown ? forge : 'unknown'
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const notFound = (response: ServerResponse, headers = {}): void =>
  void response.writeHead(404, headers).end('not found')

test('a server is asked which forge it is, also one that refuses the question', async () => {
  const gitea: Answer = (path, response) => {
    if (path === '/api/v1/version') response.writeHead(200).end('{"version":"1.24.0"}')
    else notFound(response)
  }
  assert.equal(await found(gitea), 'gitea')
  const closed: Answer = (_path, response) =>
    void response.writeHead(403, { 'set-cookie': 'i_like_gitea=1; Path=/; HttpOnly' }).end()
  assert.equal(await found(closed), 'gitea')
  const gogs: Answer = (_path, response) =>
    notFound(response, { 'set-cookie': ['lang=en-US; Path=/', 'i_like_gogs=2; Path=/; HttpOnly'] })
  assert.equal(await found(gogs), 'gogs')
  const gitlab: Answer = (path, response) => {
    if (path !== '/api/v4/version') return notFound(response)
    response.writeHead(401, { 'x-gitlab-meta': '{"version":"1"}' }).end('{"message":"401"}')
  }
  assert.equal(await found(gitlab), 'gitlab')
})

test('a forge below a path of its host is found there', async () => {
  const below: Answer = (path, response) => {
    if (path === '/git/api/v1/version') response.writeHead(200).end('{"version":"1.24.0"}')
    else notFound(response)
  }
  assert.equal(await found(below, '/git/octo/hello.git'), 'gitea')
})

test('a server that says nothing of the kind is unknown, and a folder and a well-known host are not asked', async () => {
  assert.equal(await found((_path, response) => notFound(response)), 'unknown')
  const page: Answer = (_path, response) => void response.writeHead(200).end('<html>version</html>')
  assert.equal(await found(page), 'unknown')
  assert.equal(await found((_path, response) => void response.destroy()), 'unknown')
  const { signal } = new AbortController()
  const how = { hosts: ANY_HOSTS, signal }
  assert.deepEqual(await findForge(clonePlace('/srv/app'), how), { forge: 'git', isKnown: true })
  const github = await findForge(clonePlace('git@github.com:octo/hello.git'), how)
  assert.deepEqual(github, { forge: 'github', isKnown: true })
})
