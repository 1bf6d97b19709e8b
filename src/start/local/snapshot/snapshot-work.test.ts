import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitRepository } from '../../../../test/support/git-repository.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { readGitEnv } from '../../../config/env.ts'
import { git } from '../../../lib/git/git.ts'
import { placesIn } from './local-mirror.ts'
import { snapshotWork } from './snapshot-work.ts'

const options = { env: readGitEnv(), signal: new AbortController().signal }

test('a snapshot has what is not committed, and nothing of the repository is touched', async () => {
  await using repository = await gitRepository({
    files: { '.gitignore': 'ignored*\n', tracked: 'old\n', gone: 'x', staged: 'old\n' },
  })
  await using data = await tempDir()
  const at = (name: string): string => join(repository.path, name)
  await writeFile(at('.git/info/exclude'), 'private\n')
  for (const name of ['tracked', 'staged', 'untracked', 'ignored.txt', 'private']) {
    await writeFile(at(name), 'new\n')
  }
  await repository.git('add', 'staged')
  await repository.git('rm', '--quiet', '--cached', 'gone')
  const index = await readFile(at('.git/index'))
  const status = await repository.git('status', '--porcelain')
  const { mirror: bare } = placesIn(data.path)
  const { sha, ref } = await snapshotWork(repository.path, data.path, options)
  const ask = (...args: string[]) => git([`--git-dir=${bare}`, ...args], options)
  assert.equal(
    await ask('ls-tree', '-r', '--name-only', sha),
    '.gitignore\ngone\nstaged\ntracked\nuntracked\n',
  )
  assert.equal(await ask('show', `${sha}:tracked`), 'new\n')
  assert.equal(await ask('rev-parse', `${sha}^`), `${await repository.head()}\n`)
  assert.equal(ref, 'refs/heads/main')
  assert.deepEqual(await readFile(at('.git/index')), index)
  assert.equal(await repository.git('status', '--porcelain'), status)
})

test('a snapshot has ignored files that are tracked, and leaves out nested repositories without a commit', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using data = await tempDir()
  const at = (name: string): string => join(repository.path, name)
  const { mirror: bare } = placesIn(data.path)
  await mkdir(at('build'))
  for (const [name, text] of [
    ['build/kept', 'kept'],
    ['build/made', 'made'],
    ['.gitignore', 'build/\n'],
  ] as const) {
    await writeFile(at(name), text)
  }
  await repository.git('add', '--force', 'build/kept', '.gitignore')
  await repository.git('commit', '--quiet', '--message', 'Keep')
  for (const name of ['one', 'two']) await repository.git('init', '--quiet', name)
  await writeFile(at('one/file'), 'of the nested one')
  for (const splits of [false, true]) {
    if (splits) await repository.git('update-index', '--split-index')
    await writeFile(at('a'), `${splits}`)
    const { sha } = await snapshotWork(repository.path, data.path, options)
    const ask = (...args: string[]) => git([`--git-dir=${bare}`, ...args], options)
    const names = await ask('ls-tree', '-r', '--name-only', sha)
    assert.equal(names, '.gitignore\na\nbuild/kept\n')
    assert.equal(await ask('show', `${sha}:a`), `${splits}`)
  }
})

test('a snapshot has narwhal.yml even if git ignores it', async () => {
  await using folder = await tempDir()
  await using data = await tempDir()
  const { mirror: bare } = placesIn(data.path)
  await git(['init', '--quiet', folder.path], options)
  await writeFile(join(folder.path, '.git/info/exclude'), '*\n')
  await mkdir(join(folder.path, 'app'))
  for (const name of ['narwhal.yml', 'app/narwhal.yml', 'other']) {
    await writeFile(join(folder.path, name), 'steps: [echo]\n')
  }
  for (const text of ['steps: [echo]\n', 'steps: [ls]\n']) {
    await writeFile(join(folder.path, 'narwhal.yml'), text)
    const { sha } = await snapshotWork(folder.path, data.path, options)
    const ask = (...args: string[]) => git([`--git-dir=${bare}`, ...args], options)
    assert.equal(await ask('ls-tree', '-r', '--name-only', sha), 'narwhal.yml\n')
    assert.equal(await ask('show', `${sha}:narwhal.yml`), text)
  }
})

test('a repository without a commit has the branch that its first one will be on', async () => {
  await using folder = await tempDir()
  await git(['init', '--quiet', '--initial-branch=trunk', folder.path], options)
  await writeFile(join(folder.path, 'a'), 'a')
  const bare = join(folder.path, '.git', 'snapshot.git')
  assert.equal((await snapshotWork(folder.path, bare, options)).ref, 'refs/heads/trunk')
})

test('a clean working tree is its commit itself, and a folder without git is one, too', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using data = await tempDir()
  const { sha } = await snapshotWork(repository.path, data.path, options)
  assert.equal(sha, await repository.head())
  // A run that was killed has left its locks.
  const { bare } = placesIn(data.path)
  for (const name of ['index', 'refs/heads/main']) await writeFile(join(bare, `${name}.lock`), '')
  await repository.commit({ a: 'b' })
  assert.equal(
    (await snapshotWork(repository.path, data.path, options)).sha,
    await repository.head(),
  )
  await using folder = await tempDir()
  await writeFile(join(folder.path, 'a'), 'a')
  const other = await snapshotWork(folder.path, join(data.path, 'other.git'), options)
  const shown = await git([`--git-dir=${other.repository}`, 'show', `${other.sha}:a`], options)
  assert.equal(shown, 'a')
})
