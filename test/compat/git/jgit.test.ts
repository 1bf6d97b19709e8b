import { fetchContract } from '../../../src/runner/mirror/fetch.contract.ts'
import { fetchByGit } from '../../../src/runner/mirror/fetch-by-git.ts'
import { missingForJgit, startJgit } from '../../support/git-servers/jgit.ts'

const missing = missingForJgit()

fetchContract({
  name: 'JGit over ssh',
  ...(missing && { missing }),
  serve: async ({ path }) => {
    const server = await startJgit()
    return { ...server, url: `${server.url}${path}/.git` }
  },
  dangling: 'either',
  fetch: fetchByGit,
})
