import assert from 'node:assert/strict'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { fetchContract } from './fetch.contract.ts'
import { fetchByGit } from './fetch-by-git.ts'
import { quickRemote } from './known-servers.ts'
import { quickFetch } from './quick-fetch.ts'
import { askServer } from './smart-http.ts'

fetchContract({
  name: 'by git from a folder',
  urlOf: ({ path }) => path,
  fetch: fetchByGit,
})
fetchContract({
  name: 'by git over HTTP',
  urlOf: ({ url }) => url,
  fetch: fetchByGit,
})
fetchContract({
  name: 'by one request',
  urlOf: ({ url }) => url,
  fetch: async ({ commit, ...rest }) => {
    const asked = { url: commit.cloneUrl, hosts: ANY_HOSTS }
    const remote = quickRemote(asked, await askServer(asked, rest.signal), commit.sha)
    assert.ok(remote)
    await quickFetch({ ...rest, remote, sha: commit.sha })
  },
  begin: fetchByGit,
})
