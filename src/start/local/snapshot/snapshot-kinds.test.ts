import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFile, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gitRepository } from '../../../../test/support/git-repository.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { readGitEnv } from '../../../config/env.ts'
import { git } from '../../../lib/git/git.ts'
import { placesIn } from './local-mirror.ts'
import { snapshotWork } from './snapshot-work.ts'

const options = { env: readGitEnv(), signal: new AbortController().signal }
const run = promisify(execFile)

/** A data folder, and what the mirror in it has. */
async function stage() {
  const data = await tempDir()
  const { mirror, bare } = placesIn(data.path)
  const ask = (...args: string[]) => git([`--git-dir=${mirror}`, ...args], options)
  return {
    data: data.path,
    mirror,
    bare,
    ask,
    snapshot: (folder: string) => snapshotWork(folder, data.path, options),
    /** The files of a commit by name; fails if one is missing. */
    files: async (sha: string): Promise<Record<string, string>> => {
      const names = (await ask('ls-tree', '-r', '-z', '--name-only', sha)).split('\0').slice(0, -1)
      const entries = names.map(async (name) => [name, await ask('show', `${sha}:${name}`)])
      return Object.fromEntries(await Promise.all(entries)) as Record<string, string>
    },
    /** Fails if anything that the commit leads to is missing in the mirror, or broken. */
    isWhole: async (sha: string): Promise<void> => {
      assert.deepEqual(await readdir(join(mirror, 'objects', 'info')), [])
      await ask('rev-list', '--objects', '--quiet', sha)
      await ask('fsck', '--connectivity-only', sha)
    },
    [Symbol.asyncDispose]: () => data[Symbol.asyncDispose](),
  }
}

/** A clone of a remote that is gone when the snapshot is made. */
async function cloneOf(how: readonly string[]) {
  const stack = new AsyncDisposableStack()
  const remote = stack.use(await gitRepository({ files: { a: '1', 'sub/b': 'b', 'old/c': 'c' } }))
  await remote.commit({ a: '2' })
  await remote.commit({ a: '3' })
  await remote.git('config', 'uploadpack.allowFilter', 'true')
  await remote.git('config', 'uploadpack.allowAnySHA1InWant', 'true')
  const dir = stack.use(await tempDir())
  const path = dir.join('clone')
  const at = (...args: string[]) => run('git', args, { cwd: path })
  await run('git', ['clone', '--quiet', ...how, `file://${remote.path}`, path])
  return { path, at, remote, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('the mirror has the whole commit after each change, without alternates', async () => {
  await using repository = await gitRepository({ files: { a: '1', 'sub/b': 'b' } })
  await using at = await stage()
  const write = (name: string, text: string) => writeFile(join(repository.path, name), text)
  const check = async (): Promise<string> => {
    const { sha } = await at.snapshot(repository.path)
    await at.isWhole(sha)
    return sha
  }
  await check()
  await write('a', 'changed')
  const changed = await check()
  assert.equal((await at.files(changed))['a'], 'changed')
  await repository.commit({ a: 'committed' })
  await check()
  // Only in the user's repository: its content has changed nowhere since it was staged.
  await write('staged', 'staged')
  await repository.git('add', 'staged')
  assert.equal((await at.files(await check()))['staged'], 'staged')
  await repository.git('rm', '--quiet', '-r', '--cached', 'sub')
  await write('sub/c', 'c')
  assert.deepEqual(Object.keys(await at.files(await check())), ['a', 'staged', 'sub/b', 'sub/c'])
  await repository.git('reset', '--quiet', '--hard', 'HEAD~1')
  await check()
  // What was discarded as broken is made again.
  await rm(at.mirror, { recursive: true })
  await check()
})

test('a merge that is in conflict is committed as its files are', async () => {
  await using repository = await gitRepository({ files: { a: '1' } })
  await using at = await stage()
  await repository.branch('side')
  await repository.commit({ a: 'side' })
  await repository.git('checkout', '--quiet', 'main')
  await repository.commit({ a: 'main' })
  await assert.rejects(repository.git('merge', '--quiet', 'side'))
  const { sha } = await at.snapshot(repository.path)
  await at.isWhole(sha)
  assert.match((await at.files(sha))['a'] ?? '', /<<<<<<< HEAD\nmain/)
})

test('a shallow clone is as shallow in the mirror, and becomes deeper with it', async () => {
  await using clone = await cloneOf(['--depth', '1'])
  await using at = await stage()
  await writeFile(join(clone.path, 'new'), 'new')
  const { sha } = await at.snapshot(clone.path)
  await at.isWhole(sha)
  assert.equal((await at.files(sha))['new'], 'new')
  assert.equal(await at.ask('rev-list', '--count', sha), '2\n')
  await clone.at('fetch', '--quiet', '--unshallow')
  const deeper = await at.snapshot(clone.path)
  await at.isWhole(deeper.sha)
  assert.equal(await at.ask('rev-list', '--count', deeper.sha), '4\n')
})

test('a partial clone needs nothing of its remote', async () => {
  await using clone = await cloneOf(['--filter=blob:none'])
  await using at = await stage()
  // Fetching it would fail.
  await rm(clone.remote.path, { recursive: true })
  const clean = await at.snapshot(clone.path)
  assert.deepEqual(await at.files(clean.sha), { a: '3', 'old/c': 'c', 'sub/b': 'b' })
  await writeFile(join(clone.path, 'new'), 'new')
  const { sha } = await at.snapshot(clone.path)
  assert.equal((await at.files(sha))['new'], 'new')
  assert.equal(await at.ask('rev-list', '--count', sha), '4\n')
})

test('a partial clone that is sparse has what is in its working tree, and later what was added', async () => {
  await using clone = await cloneOf(['--filter=blob:none', '--sparse'])
  await using at = await stage()
  assert.deepEqual(await at.files((await at.snapshot(clone.path)).sha), { a: '3' })
  await clone.at('sparse-checkout', 'set', 'sub')
  assert.deepEqual(await at.files((await at.snapshot(clone.path)).sha), { a: '3', 'sub/b': 'b' })
  await clone.at('sparse-checkout', 'disable')
  const all = { a: '3', 'old/c': 'c', 'sub/b': 'b' }
  assert.deepEqual(await at.files((await at.snapshot(clone.path)).sha), all)
})

test('a linked worktree, and a clone that borrows its objects', async () => {
  await using repository = await gitRepository({ files: { a: '1' } })
  await using dir = await tempDir()
  await repository.git('worktree', 'add', '--quiet', '-b', 'topic', dir.join('linked'))
  await writeFile(dir.join('linked', 'a'), 'linked')
  {
    await using at = await stage()
    const { sha, ref } = await at.snapshot(dir.join('linked'))
    await at.isWhole(sha)
    assert.equal(ref, 'refs/heads/topic')
    assert.deepEqual(await at.files(sha), { a: 'linked' })
  }
  await run('git', ['clone', '--quiet', '--shared', repository.path, dir.join('shared')])
  await using at = await stage()
  const { sha } = await at.snapshot(dir.join('shared'))
  await at.isWhole(sha)
  assert.equal(sha, await repository.head())
})

test('a repository of sha256, and one that takes the place of another', async () => {
  await using dir = await tempDir()
  await using at = await stage()
  const folder = dir.join('work')
  for (const format of ['sha256', 'sha1']) {
    await mkdir(folder, { recursive: true })
    await rm(join(folder, '.git'), { recursive: true, force: true })
    await run('git', ['init', '--quiet', `--object-format=${format}`, folder])
    for (const text of ['1', '2']) {
      await writeFile(join(folder, 'a'), text)
      const { sha } = await at.snapshot(folder)
      await at.isWhole(sha)
      assert.equal(sha.length, format === 'sha1' ? 40 : 64)
      assert.deepEqual(await at.files(sha), { a: text })
    }
  }
})

test('what the user ignores everywhere is left out', async () => {
  await using repository = await gitRepository({ files: { a: '1' } })
  await using dir = await tempDir()
  await using at = await stage()
  await writeFile(dir.join('ignored'), '*.swp\n')
  await repository.git('config', 'core.excludesFile', dir.join('ignored'))
  await writeFile(join(repository.path, 'a.swp'), '')
  assert.deepEqual(await at.files((await at.snapshot(repository.path)).sha), { a: '1' })
})

test('of a large folder that git ignores nothing is added', async () => {
  await using repository = await gitRepository({ files: { a: '1', '.gitignore': 'large/\n' } })
  await using at = await stage()
  await mkdir(join(repository.path, 'large'))
  for (const name of ['one', 'two']) {
    const file = await open(join(repository.path, 'large', name), 'w')
    // It has no blocks on the disk, but reading it takes long.
    await file.truncate(2 ** 32)
    await file.close()
  }
  for (const text of ['2', '3']) {
    await writeFile(join(repository.path, 'a'), text)
    const { sha } = await at.snapshot(repository.path)
    assert.deepEqual(await at.files(sha), { '.gitignore': 'large/\n', a: text })
  }
  const names = await readdir(at.data, { recursive: true })
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(at.data, name))).size))
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 2 ** 20)
})

test('a folder without git keeps nothing of what it no longer has', async () => {
  await using dir = await tempDir()
  await using at = await stage()
  const write = (name: string, text: string) => writeFile(dir.join('work', name), text)
  await mkdir(dir.join('work'))
  await write('a', '1')
  await write('.gitignore', 'ignored\n')
  await write('ignored', 'ignored')
  const first = await at.snapshot(dir.join('work'))
  await at.isWhole(first.sha)
  await rm(dir.join('work', 'a'))
  await write('b', '2')
  const { sha } = await at.snapshot(dir.join('work'))
  await at.isWhole(sha)
  assert.deepEqual(await at.files(sha), { '.gitignore': 'ignored\n', b: '2' })
  // The index of the last run is of no use without the objects that it lists.
  await rm(at.mirror, { recursive: true })
  await at.isWhole((await at.snapshot(dir.join('work'))).sha)
})

test('a repository that is nested is what git says it is', async () => {
  await using repository = await gitRepository({ files: { a: '1' } })
  await using at = await stage()
  const nested = join(repository.path, 'nested')
  await run('git', ['init', '--quiet', nested])
  await writeFile(join(nested, 'b'), 'b')
  await run('git', ['-C', nested, 'add', 'b'])
  const who = ['-c', 'user.name=a', '-c', 'user.email=a@example.com']
  await run('git', ['-C', nested, ...who, 'commit', '--quiet', '--message', 'b'])
  const { sha } = await at.snapshot(repository.path)
  assert.match(await at.ask('ls-tree', sha), /160000 commit [0-9a-f]{40}\tnested\n/)
})

test('if the mirror is lost meanwhile, the commit can be fetched', async () => {
  await using repository = await gitRepository({ files: { a: '1' } })
  await using at = await stage()
  await at.snapshot(repository.path)
  await writeFile(join(repository.path, 'a'), '2')
  const { repository: bare, ref, sha } = await at.snapshot(repository.path)
  await using dir = await tempDir()
  await run('git', ['clone', '--quiet', '--bare', bare, dir.join('copy')])
  const { stdout } = await run('git', ['-C', dir.join('copy'), 'rev-parse', ref])
  assert.equal(stdout, `${sha}\n`)
})

test('it leaves few files behind, however often it is made', async () => {
  await using repository = await gitRepository({ files: { a: '1' } })
  await using at = await stage()
  for (let round = 0; round < 5; round++) {
    await appendFile(join(repository.path, 'a'), 'x')
    await at.snapshot(repository.path)
  }
  const loose = (await readdir(join(at.bare, 'objects'))).filter((name) => name.length === 2)
  assert.ok(loose.length <= 3, loose.join())
  assert.equal(
    (await readFile(join(at.bare, 'objects/info/alternates'), 'utf8')).split('\n').length,
    3,
  )
  assert.ok(dirname(at.bare) === at.data)
})
