import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCloneUrl } from '../../../src/lib/git/git.ts'
import { listRemote } from '../../../src/lib/git/list-remote.ts'
import { fetchContract } from '../../../src/runner/mirror/fetch.contract.ts'
import { fetchByGit } from '../../../src/runner/mirror/fetch-by-git.ts'
import { gitRepository } from '../../support/git-repository.ts'
import { missingForGitolite, startGitolite } from '../../support/git-servers/gitolite.ts'

const missing = missingForGitolite()

fetchContract({
  name: 'gitolite over ssh',
  ...(missing && { missing }),
  serve: async ({ path }) => {
    const server = await startGitolite(path)
    return { ...server, url: `${server.url}/app` }
  },
  dangling: 'served',
  fetch: fetchByGit,
})

test('gitolite says who may not read what', { skip: missing ?? false }, async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using server = await startGitolite(repository.path)
  const clone = parseCloneUrl(`${server.url}/secret`)
  await assert.rejects(listRemote(clone, ['refs/heads/*'], { env: server.env }), {
    code: 'unavailable',
    message:
      /^ssh git-upload-pack failed: FATAL: (?:FATAL: )?R any secret ada DENIED by fallthru \| \(or you mis-spelled the reponame\)$/,
  })
})
