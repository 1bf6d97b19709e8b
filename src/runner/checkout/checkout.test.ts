import assert from 'node:assert/strict'
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { git } from '../../lib/git/git.ts'
import { LOCAL_WAY } from '../../lib/git/git-way.ts'
import { silentLog } from '../../lib/log.ts'
import { removeFolder } from '../../lib/remove-folder.ts'
import { MirrorCache } from '../mirror/mirror-cache.ts'
import { listRefs } from '../mirror/mirror-refs.ts'
import { checkOut } from './checkout.ts'

const env = readGitEnv()
const { signal } = new AbortController()

test('leaves a repository of its own at the commit', async () => {
  await using repository = await gitRepository({ files: { 'src/a.txt': 'a', run: '#!/bin/sh\n' } })
  await repository.tag('v1', 'The first')
  await chmod(join(repository.path, 'run'), 0o755)
  await repository.git('config', 'core.hooksPath', '/evil')
  const sha = await repository.commit({ 'src/b.txt': 'b' }, 'Add b')
  await repository.commit({ 'src/c.txt': 'c' }, 'Add c')
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha,
  }
  const folder = dir.join('workspace')
  await mkdir(folder)
  await mirrors.read(commit, signal, (mirror, objects) =>
    checkOut(commit, { mirror, objects, folder, env, signal }),
  )
  // The job sees no mirror: neither may its repository need it.
  await mirrors[Symbol.asyncDispose]()
  await removeFolder(dir.join('mirrors'))

  const inFolder = (...args: string[]) => git(args, { cwd: folder, env })
  assert.deepEqual(await readdir(join(folder, 'src')), ['a.txt', 'b.txt'])
  assert.equal((await stat(join(folder, 'run'))).mode & 0o111, 0o111)
  assert.equal(await inFolder('log', '--format=%s'), 'Add b\nBegin\n')
  assert.match(await inFolder('describe'), /^v1-1-g/)
  assert.equal(await inFolder('status', '--porcelain'), '')
  assert.match(await inFolder('branch', '--all'), /no branch.*\n.*remotes\/origin\/main/)
  await inFolder('fsck', '--strict')
  await inFolder('switch', '--quiet', '--create', 'mine')
  const config = await readFile(join(folder, '.git', 'config'), 'utf8')
  assert.ok(!config.includes('evil'))
  assert.deepEqual((await readdir(join(folder, '.git'))).includes('hooks'), false)
})

test('brings so many commits and no tags where a depth is given', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await repository.tag('v1')
  for (const text of ['b', 'c', 'd']) await repository.commit({ a: text }, `Make it ${text}`)
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha: await repository.head(),
  }
  const folder = dir.join('workspace')
  await mkdir(folder)
  await mirrors.read(commit, signal, (mirror, objects) =>
    checkOut(commit, { mirror, objects, folder, env, signal, depth: 2 }),
  )
  await removeFolder(dir.join('mirrors'))
  const inFolder = (...args: string[]) => git(args, { cwd: folder, env })
  assert.equal(await readFile(join(folder, 'a'), 'utf8'), 'd')
  assert.equal(await inFolder('log', '--format=%s'), 'Make it d\nMake it c\n')
  assert.equal(await inFolder('tag'), '')
  assert.equal(await inFolder('status', '--porcelain'), '')
})

test('brings the tags, packed or not', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using dir = await tempDir()
  const mirror = dir.join('mirror.git')
  await git(['clone', '--quiet', '--bare', repository.path, mirror], { env, way: LOCAL_WAY })
  const inMirror = (...args: string[]) => git([`--git-dir=${mirror}`, ...args], { env })
  assert.deepEqual([...(await listRefs(mirror, 'refs/tags'))], [])
  for (const tag of ['v1', 'v1.1', 'release/1']) await inMirror('tag', tag)
  await inMirror('pack-refs', '--all')
  for (const tag of ['v2', 'release/2']) await inMirror('tag', tag)
  const sha = await repository.head()
  const tags = await listRefs(mirror, 'refs/tags')
  const names = ['release/1', 'release/2', 'v1', 'v1.1', 'v2']
  assert.deepEqual(
    [...tags.keys()].sort(),
    names.map((name) => `refs/tags/${name}`),
  )
  assert.deepEqual(new Set(tags.values()), new Set([sha]))
})

test('takes a symbolic link for what it is', async () => {
  await using repository = await gitRepository()
  await symlink('/etc/passwd', join(repository.path, 'out'))
  const sha = await repository.commit({ a: 'a' })
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha,
  }
  await mkdir(dir.join('workspace'))
  await mirrors.read(commit, signal, (mirror, objects) =>
    checkOut(commit, { mirror, objects, folder: dir.join('workspace'), env, signal }),
  )
  assert.equal(await readlink(dir.join('workspace', 'out')), '/etc/passwd')
})

test('leaves nothing of the runner in the workspace: neither its keys nor its folders', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using dir = await tempDir('narwhal-private-')
  const own = { ...env, HOME: dir.join('home'), SSH_AUTH_SOCK: dir.join('agent') }
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env: own, log: silentLog() })
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha: await repository.head(),
  }
  for (const depth of [{}, { depth: 1 }]) {
    await using workspace = await tempDir()
    const folder = workspace.path
    await mirrors.read(commit, signal, (mirror, objects) =>
      checkOut(commit, { mirror, objects, folder, env: own, signal, ...depth }),
    )
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name)
      const text = await readFile(path, 'latin1')
      assert.ok(!text.includes('narwhal-private-'), path)
    }
  }
})

test('whatever a job does to its repository, the next one has what the commit has', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using dir = await tempDir()
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.path,
    ref: 'refs/heads/main',
    sha: await repository.head(),
  }
  const marker = dir.join('marker')
  const evil = `#!/bin/sh\ntouch ${marker}\n`
  for (const name of ['one', 'two']) {
    const folder = dir.join(name)
    await mkdir(folder)
    await mirrors.read(commit, signal, (mirror, objects) =>
      checkOut(commit, { mirror, objects, folder, env, signal }),
    )
    const inFolder = (...args: string[]) => git(args, { cwd: folder, env })
    assert.equal(await inFolder('status', '--porcelain'), '')
    await inFolder('fsck', '--strict')
    assert.equal((await readdir(join(folder, '.git'))).includes('hooks'), false)
    const dotGit = join(folder, '.git')
    await mkdir(join(dotGit, 'hooks'))
    await writeFile(join(dotGit, 'hooks', 'post-checkout'), evil, { mode: 0o755 })
    await writeFile(join(dotGit, 'info', 'attributes'), '* filter=x\n')
    await appendFile(join(dotGit, 'config'), `[filter "x"]\n\tsmudge = touch ${marker}\n`)
    for (const pack of await readdir(join(dotGit, 'objects', 'pack'))) {
      const path = join(dotGit, 'objects', 'pack', pack)
      await chmod(path, 0o600)
      await truncate(path, 10)
    }
  }
  await assert.rejects(readFile(marker), { code: 'ENOENT' })
})

test('removes a folder with parts that nobody may change', async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('a', 'b', 'c'), { recursive: true })
  await chmod(dir.join('a', 'b'), 0o500)
  await chmod(dir.join('a'), 0o000)
  await removeFolder(dir.join('a'))
  await removeFolder(dir.join('a'))
  assert.deepEqual(await readdir(dir.path), [])
})
