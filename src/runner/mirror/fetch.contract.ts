import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { git } from '../../lib/git/git.ts'
import { type GitFetch } from './fetch-by-git.ts'
import { listRefs } from './mirror-refs.ts'

const env = readGitEnv()
const REF = 'refs/narwhal/heads/main'

export interface FetchWay {
  readonly name: string
  /** Where the way fetches from. */
  readonly urlOf: (repository: GitRepository) => string
  readonly fetch: (fetch: GitFetch) => Promise<unknown>
  /** Fills an empty mirror, where the way itself can't. */
  readonly begin?: (fetch: GitFetch) => Promise<unknown>
}

/** What holds however a commit comes into a mirror that has something. */
export function fetchContract(way: FetchWay): void {
  const check = (name: string, run: (at: Mirror) => Promise<void>): void => {
    void test(`${way.name}: ${name}`, async () => {
      await using at = await openMirror(way)
      await run(at)
    })
  }

  check('brings a commit with all that it leads to', async (at) => {
    for (const text of ['b', 'c']) await at.repository.commit({ a: text, [`${text}/x`]: text })
    const sha = await at.repository.commit({ a: null })
    await at.fetch(sha)
    await at.isWhole(sha)
  })

  check('brings a merge with the history of both its parents', async (at) => {
    await at.repository.branch('side')
    await at.repository.commit({ side: '1' })
    await at.repository.commit({ side: '2' })
    await at.repository.git('checkout', '--quiet', 'main')
    await at.repository.commit({ a: 'b' })
    await at.repository.git('merge', '--quiet', '--no-edit', 'side')
    await at.fetch(await at.repository.head())
    await at.isWhole(await at.repository.head())
  })

  check(
    'brings a history that was rewritten, and one that only a ref of the forge has',
    async (at) => {
      await at.fetch(await at.repository.commit({ a: 'gone' }))
      await at.repository.git('commit', '--quiet', '--amend', '--message', 'Another')
      await at.fetch(await at.repository.head())
      await at.isWhole(await at.repository.head())
      const aside = await at.repository.commitAside({ pull: '1' })
      await at.repository.git('update-ref', 'refs/pull/1/head', aside)
      await at.fetch(aside)
      await at.isWhole(aside)
    },
  )

  check(
    'brings commits of tools that wrote who made them, and when, in their own way',
    async (at) => {
      for (const who of OLD_LINES) await at.fetch(await at.commitBy(who))
    },
  )

  check('refuses what is dangerous, and keeps nothing of it under its ref', async (at) => {
    for (const name of ['.git', '..', 'git~1']) {
      await assert.rejects(at.fetch(await at.commitWith(name)), { name: 'NarwhalError' }, name)
    }
    assert.equal((await at.refs()).get(REF), at.first)
  })

  check('changes nothing where the commit is there, and no other ref', async (at) => {
    await git([`--git-dir=${at.path}`, 'update-ref', 'refs/narwhal/heads/other', at.first], { env })
    await at.fetch(at.first)
    assert.deepEqual([...(await at.refs()).keys()].sort(), ['refs/narwhal/heads/other', REF].sort())
    await at.isWhole(at.first)
  })

  check('leaves the mirror as it was where the commit can not be had', async (at) => {
    await assert.rejects(at.fetch('ab'.repeat(20)), { name: 'NarwhalError' })
    await at.isWhole(at.first)
  })

  check('leaves the mirror as it was when it is cancelled', async (at) => {
    const sha = await at.repository.commit({ a: 'b' })
    const reason = new Error('enough')
    await assert.rejects(at.fetch(sha, AbortSignal.abort(reason)))
    await at.isWhole(at.first)
    await at.fetch(sha)
    await at.isWhole(sha)
  })
}

/** Lines of authors as they are found in histories of the nineties and the 2000s. */
const OLD_LINES = [
  'Ada <ada@example.com> 1203000000 +051800',
  'Ada <ada@example.com> 1203000000 0200',
  'Ada <ada@example.com>1203000000 +0000',
  'Ada<ada@example.com> 1203000000 +0000',
  'Ada <ada@example.com 1203000000 +0000',
  'Ada <ada <ada@example.com> 1203000000 +0000',
  'Ada> <ada@example.com> 1203000000 +0000',
  '<ada@example.com> 1203000000 +0000',
  'Ada 1203000000 +0000',
  'Ada <ada@example.com> 01203000000 +0000',
  'Ada <ada@example.com> 18446744073709551617 +0000',
  'Ada <ada@example.com> then +0000',
  'Ada <ada@example.com> 1203000000 +0000\nauthor Bob <bob@example.com> 1203000000 +0000',
]

interface Mirror extends AsyncDisposable {
  readonly repository: GitRepository
  readonly path: string
  /** The commit that the mirror has from the beginning. */
  readonly first: string
  readonly fetch: (sha: string, signal?: AbortSignal) => Promise<void>
  readonly refs: () => Promise<Map<string, string>>
  /** A commit upon HEAD with this line of its author, and HEAD at it. */
  readonly commitBy: (author: string) => Promise<string>
  /** A commit upon HEAD, at which only a ref stands, of a tree with one file of this name. */
  readonly commitWith: (name: string) => Promise<string>
  /** Asserts that its ref is at this commit, with exactly what that leads to, and nothing is broken. */
  readonly isWhole: (sha: string) => Promise<void>
}

async function openMirror(way: FetchWay): Promise<Mirror> {
  await using stack = new AsyncDisposableStack()
  const repository = stack.use(await gitRepository({ files: { a: 'a' }, serve: true }))
  const dir = stack.use(await tempDir())
  const path = dir.join('mirror.git')
  const fetchOf = (sha: string, signal = new AbortController().signal): GitFetch => {
    const commit: CommitSource = {
      repositoryId: 'repo_1',
      repositoryName: 'acme/app',
      cloneUrl: way.urlOf(repository),
      ref: 'refs/heads/none',
      sha,
    }
    return { mirror: path, commit, ref: REF, env, signal }
  }
  const first = await repository.head()
  await (way.begin ?? way.fetch)(fetchOf(first))
  const reaches = (folder: string, sha: string) =>
    git([`--git-dir=${folder}`, 'rev-list', '--objects', '--no-object-names', sha], { env })
  const refs = () => listRefs(path, 'refs/narwhal')
  // An object as it is, whatever git thinks of it.
  const hash = async (type: string, content: string | Buffer): Promise<string> => {
    const file = dir.join('object')
    await writeFile(file, content)
    return await repository.git('hash-object', '-t', type, '-w', '--literally', file)
  }
  const owned = stack.move()
  return {
    repository,
    path,
    first,
    fetch: async (sha, signal) => void (await way.fetch(fetchOf(sha, signal))),
    refs,
    commitBy: async (author) => {
      const tree = await repository.git('rev-parse', 'HEAD^{tree}')
      const head = `tree ${tree}\nparent ${await repository.head()}\nauthor ${author}\n`
      const text = `${head}committer Ada <ada@example.com> 1203000000 +0000\n\nOld\n`
      const sha = await hash('commit', text)
      await repository.git('update-ref', 'refs/heads/main', sha)
      return sha
    },
    commitWith: async (name) => {
      const blob = await repository.git('rev-parse', 'HEAD:a')
      const entry = [Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]
      const tree = await hash('tree', Buffer.concat(entry))
      const sha = await repository.git('commit-tree', '-p', 'HEAD', '-m', 'Wrong', tree)
      await repository.git('update-ref', 'refs/heads/wrong', sha)
      return sha
    },
    isWhole: async (sha) => {
      assert.equal((await refs()).get(REF), sha)
      await git([`--git-dir=${path}`, 'fsck', '--full', '--strict'], { env })
      assert.equal(await reaches(path, sha), await reaches(`${repository.path}/.git`, sha))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
