import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { serveGit } from '#root/test/support/git-http-server.ts'
import type { GitRepository } from '#root/test/support/git-repository.ts'
import { serveFiles } from '#root/test/support/serve-files.ts'
import { findHttp } from '../../lib/git/git-way.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { askServer } from './ask-server.ts'
import { fetchContract, servedAt } from './fetch.contract.ts'
import { fetchByGit, type GitFetch } from './fetch-by-git.ts'
import { fetchFiles } from './fetch-files.ts'
import { quickRemote } from './known-servers.ts'
import { quickFetch } from './quick-fetch.ts'

async function fetchQuickly({ commit, ...rest }: GitFetch): Promise<void> {
  const { cloneUrl: url, sha } = commit
  const found = await findHttp(url, rest.env)
  assert.ok(found)
  const kind = await askServer({ url }, found, rest.signal)
  const remote = quickRemote({ url, hosts: ANY_HOSTS }, kind, sha)
  assert.ok(remote)
  await quickFetch({ ...rest, remote, sha })
}

/** Of version 0: the server never sees that another one is asked for. */
async function serveOld({ path }: GitRepository) {
  const server = await serveGit(join(path, '..'), {
    intercept: ({ headers }) => {
      delete headers['git-protocol']
      return false
    },
  })
  const url = `${server.url}/repository`
  return { url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

async function serveAsFiles(repository: GitRepository) {
  const server = await serveFiles(join(repository.path, '.git'))
  const refresh = async () => void (await repository.git('update-server-info'))
  return { url: server.url, refresh, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const byHttp = {
  serve: async ({ url }: GitRepository) => servedAt(url),
  dangling: 'served',
} as const
const quickly = { ...byHttp, fetch: fetchQuickly, begin: fetchByGit }
const sha256 = { objectFormat: 'sha256' } as const

fetchContract({
  name: 'by git from a folder',
  serve: async ({ path }) => servedAt(path),
  dangling: 'served',
  fetch: fetchByGit,
})
fetchContract({ name: 'by git over HTTP', ...byHttp, fetch: fetchByGit })
fetchContract({
  name: 'by git over HTTP in version 0',
  serve: serveOld,
  dangling: 'refused',
  fetch: fetchByGit,
})
fetchContract({
  name: 'from files over HTTP',
  serve: serveAsFiles,
  dangling: 'either',
  fetch: fetchFiles,
})
fetchContract({ name: 'by one request', ...quickly })
fetchContract({
  name: 'by git over HTTP, SHA-256',
  ...byHttp,
  fetch: fetchByGit,
  formats: sha256,
})
fetchContract({ name: 'by one request, SHA-256', ...quickly, formats: sha256 })
fetchContract({
  name: 'by git over HTTP, refs in a table',
  ...byHttp,
  fetch: fetchByGit,
  formats: { refFormat: 'reftable' },
  ...(canTable() ? {} : { missing: 'this git has no reftable: 2.45 or newer does' }),
})

function canTable(): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(execFileSync('git', ['version']).toString()) ?? []
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 45)
}
