import { fetchContract } from '../../../src/runner/mirror/fetch.contract.ts'
import { fetchByGit } from '../../../src/runner/mirror/fetch-by-git.ts'
import { missingForDulwich, startDulwich } from '../../support/git-servers/dulwich.ts'

const missing = missingForDulwich()

fetchContract({
  name: 'dulwich over HTTP',
  ...(missing && { missing }),
  serve: ({ path }) => startDulwich(path),
  dangling: 'either',
  readsCommits: true,
  fetch: fetchByGit,
})
