import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type GitRepository,
  type GitRepositoryOptions,
  gitRepository,
} from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { type GitEnv, git, parseCloneUrl } from '../../lib/git/git.ts'
import { findRemoteHead, listRemote } from '../../lib/git/list-remote.ts'
import { checkOut } from '../checkout/checkout.ts'
import { type GitFetch } from './fetch-by-git.ts'
import { listRefs } from './mirror-refs.ts'
import { ObjectReader } from './object-reader.ts'

const env = readGitEnv()
const REF = 'refs/narwhal/heads/main'

export interface FetchWay {
  readonly name: string
  /** Other formats than those of most repositories. */
  readonly formats?: Pick<GitRepositoryOptions, 'objectFormat' | 'refFormat'>
  /** Serves the repository, which is served by HTTP besides. */
  readonly serve: (repository: GitRepository) => Promise<Served>
  /** Whether its server has commits that no ref leads to; or has them by accident. */
  readonly dangling: 'served' | 'refused' | 'either'
  readonly fetch: (fetch: GitFetch) => Promise<unknown>
  /** Its server reads commits by itself, and fails at those of old tools. */
  readonly readsCommits?: true
  /** What it needs and this machine doesn't have. */
  readonly missing?: string
  /** Fills an empty mirror, where the way itself can't. */
  readonly begin?: (fetch: GitFetch) => Promise<unknown>
}

export interface Served extends AsyncDisposable {
  readonly url: string
  /** What git and ssh get, if it is not what they get otherwise. */
  readonly env?: GitEnv
  /** Does what the server needs after a change of the repository. */
  readonly refresh?: () => Promise<void>
}

/** Served already, or by nothing: by a folder. */
export function servedAt(url: string): Served {
  return { url, [Symbol.asyncDispose]: async () => {} }
}

const MANY = 50_000

/** What holds however a commit comes into a mirror that has something. */
export function fetchContract(way: FetchWay): void {
  const check = (name: string, run: (at: Mirror) => Promise<void>): void => {
    void test(`${way.name}: ${name}`, { skip: way.missing ?? false }, async () => {
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

  const checkOdd = way.readsCommits ? () => {} : check
  checkOdd(
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

  check('leaves the mirror as it was where the commit can not be had, and says so', async (at) => {
    const none = 'ab'.repeat(at.first.length / 2)
    await assert.rejects(at.fetch(none), {
      name: 'NarwhalError',
      message: new RegExp(`not our ref|${none} is not in acme/app`),
    })
    await at.isWhole(at.first)
  })

  check('brings what a ref leads to, and what none does if the server has it', async (at) => {
    const reachable = await at.repository.commit({ a: 'b' })
    const dangling = await at.repository.commitAside({ a: 'c' })
    await at.repository.commit({ a: 'd' })
    await at.fetch(reachable)
    await at.isWhole(reachable)
    const fetched = await at.fetch(dangling).then(
      () => true,
      (error: unknown) => error,
    )
    if (fetched === true) {
      assert.notEqual(way.dangling, 'refused')
      return await at.isWhole(dangling)
    }
    assert.notEqual(way.dangling, 'served', String(fetched))
    assert.match(String(fetched), new RegExp(`not our ref|${dangling} is not in acme/app`))
  })

  check('brings a commit of which a job has no more than it, at depth 1', async (at) => {
    await at.repository.commit({ a: 'b' })
    const sha = await at.repository.commit({ c: 'c' })
    await at.fetch(sha)
    const inJob = await at.checkOut(sha, 1)
    assert.equal(await inJob('rev-list', '--count', 'HEAD'), '1')
    assert.equal(await inJob('ls-files'), 'a\nc')
  })

  check('lists branches and tags at their commits, and what HEAD names', async (at) => {
    await at.repository.tag('light')
    const sha = await at.repository.commit({ a: 'b' })
    await at.repository.tag('v1', 'The first')
    await at.refresh()
    const clone = parseCloneUrl(at.url)
    const refs = await listRemote(clone, ['refs/heads/*', 'refs/tags/*'], { env: at.env })
    assert.deepEqual(Object.fromEntries(refs), {
      'refs/heads/main': sha,
      'refs/tags/light': at.first,
      'refs/tags/v1': sha,
    })
    const head = await findRemoteHead(clone, { env: at.env })
    assert.equal(head?.sha, sha)
    assert.ok(head.branch === 'refs/heads/main' || head.branch === undefined)
  })

  check(`brings a commit of a repository with ${MANY} refs`, async (at) => {
    const sha = await at.repository.commit({ a: 'b' })
    await at.addRefs(Array.from({ length: MANY }, (_, n) => `refs/changes/${n}/1`).sort(), sha)
    await at.refresh()
    const listed = await listRemote(parseCloneUrl(at.url), ['refs/heads/*'], { env: at.env })
    assert.deepEqual([...listed], [['refs/heads/main', sha]])
    await at.fetch(sha)
    await at.isWhole(sha)
  })

  const empty = `${way.name}: an empty repository has no refs, and then its first commit`
  void test(empty, { skip: way.missing ?? false }, async () => {
    await using repository = await gitRepository({ serve: true, ...way.formats })
    await using served = await way.serve(repository)
    await served.refresh?.()
    const clone = parseCloneUrl(served.url)
    const list = () =>
      listRemote(clone, ['refs/heads/*', 'refs/tags/*'], { env: served.env ?? env })
    assert.deepEqual([...(await list())], [])
    assert.equal(await findRemoteHead(clone, { env: served.env ?? env }), undefined)
    const sha = await repository.commit({ a: 'a' })
    await served.refresh?.()
    assert.deepEqual([...(await list())], [['refs/heads/main', sha]])
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
  readonly url: string
  readonly env: GitEnv
  readonly path: string
  /** The commit that the mirror has from the beginning. */
  readonly first: string
  readonly refresh: () => Promise<void>
  readonly fetch: (sha: string, signal?: AbortSignal) => Promise<void>
  readonly refs: () => Promise<Map<string, string>>
  /** Adds refs at this commit to the repository, in the order of their names. */
  readonly addRefs: (refs: readonly string[], sha: string) => Promise<void>
  /** Checks a commit out as a job would; resolves to git in its workspace. */
  readonly checkOut: (sha: string, depth: number) => Promise<(...args: string[]) => Promise<string>>
  /** A commit upon HEAD with this line of its author, and HEAD at it. */
  readonly commitBy: (author: string) => Promise<string>
  /** A commit upon HEAD, at which only a ref stands, of a tree with one file of this name. */
  readonly commitWith: (name: string) => Promise<string>
  /** Asserts that its ref is at this commit, with exactly what that leads to, and nothing is broken. */
  readonly isWhole: (sha: string) => Promise<void>
}

async function openMirror(way: FetchWay): Promise<Mirror> {
  await using stack = new AsyncDisposableStack()
  const repository = stack.use(
    await gitRepository({ files: { a: 'a' }, serve: true, ...way.formats }),
  )
  const served = stack.use(await way.serve(repository))
  const dir = stack.use(await tempDir())
  const path = dir.join('mirror.git')
  const commitOf = (sha: string): CommitSource => ({
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: served.url,
    ref: 'refs/heads/none',
    sha,
  })
  const ours = served.env ?? env
  const fetchOf = (sha: string, signal = new AbortController().signal): GitFetch => {
    return { mirror: path, commit: commitOf(sha), ref: REF, env: ours, signal }
  }
  const first = await repository.head()
  await served.refresh?.()
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
    url: served.url,
    env: ours,
    path,
    first,
    refresh: async () => await served.refresh?.(),
    fetch: async (sha, signal) => {
      await served.refresh?.()
      await way.fetch(fetchOf(sha, signal))
    },
    refs,
    addRefs: async (names, sha) => {
      const dotGit = join(repository.path, '.git')
      if (way.formats?.refFormat) {
        const input = names.map((ref) => `create ${ref} ${sha}\n`).join('')
        execFileSync('git', ['--git-dir', dotGit, 'update-ref', '--stdin'], { input })
      } else {
        // Git would write a file for each.
        const lines = names.map((ref) => `${sha} ${ref}\n`).join('')
        const head = '# pack-refs with: peeled fully-peeled sorted \n'
        await writeFile(join(dotGit, 'packed-refs'), head + lines)
      }
    },
    checkOut: async (sha, depth) => {
      const folder = dir.join('job')
      await mkdir(folder)
      using objects = new ObjectReader(path, env)
      const { signal } = new AbortController()
      await checkOut(commitOf(sha), { mirror: path, objects, folder, env, signal, depth })
      return async (...args) => (await git(args, { cwd: folder, env })).trim()
    },
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
