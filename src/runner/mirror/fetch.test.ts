import { fetchContract } from './fetch.contract.ts'
import { fetchByGit } from './fetch-by-git.ts'
import { quickFetch } from './quick-fetch.ts'

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
  fetch: ({ commit, ...rest }) => quickFetch({ ...rest, url: commit.cloneUrl, sha: commit.sha }),
  begin: fetchByGit,
})
