import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { access, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { type TempDir, tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { git } from '../../lib/git/git.ts'
import { silentLog } from '../../lib/log.ts'
import { MirrorCache } from '../mirror/mirror-cache.ts'
import { Checkouts } from './checkouts.ts'

const env = readGitEnv()
const { signal } = new AbortController()
const limits = { files: 1000, bytes: 1e6 }

let repository: GitRepository
let dir: TempDir
let mirrors: MirrorCache
let folders = 0
let commits = 0

before(async () => {
  repository = await gitRepository({ files: { 'lib.txt': 'library' }, serve: true })
  dir = await tempDir()
  mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
})
after(async () => {
  await mirrors[Symbol.asyncDispose]()
  await dir[Symbol.asyncDispose]()
  await repository[Symbol.asyncDispose]()
})

interface Entries {
  readonly files?: Readonly<Record<string, string>>
  readonly links?: Readonly<Record<string, string>>
  /** Commits that stand at these paths. */
  readonly modules?: Readonly<Record<string, string>>
}

/** A commit of its own, without parents, so that none stands in the way of another. */
function commitOf({ files = {}, links = {}, modules = {} }: Entries): string {
  const inline = (mode: string, [path, text]: [string, string]): string =>
    `M ${mode} inline ${JSON.stringify(path)}\ndata ${Buffer.byteLength(text)}\n${text}\n`
  const stream = [
    `commit refs/heads/made-${++commits}\nmark :1\ncommitter Ada <ada@example.com> 0 +0000\n`,
    'data 6\nChange\n',
    ...Object.entries(files).map((entry) => inline('100755', entry)),
    ...Object.entries(links).map((entry) => inline('120000', entry)),
    ...Object.entries(modules).map(([path, sha]) => `M 160000 ${sha} ${JSON.stringify(path)}\n`),
    'get-mark :1\n',
  ]
  // One process for a commit, and it takes what `git add` would refuse.
  const made = execFileSync('git', ['fast-import', '--quiet'], {
    cwd: repository.path,
    input: stream.join(''),
  })
  return made.toString().trim()
}

/** A commit whose `.gitmodules` is a link; not by commitOf, since git from 2.55 on refuses it. */
async function linkedModules(lib: string): Promise<string> {
  const write = (args: readonly string[], input: string): string =>
    execFileSync('git', args, { cwd: repository.path, input }).toString().trim()
  const blob = write(['hash-object', '-w', '--stdin'], 'lib.txt')
  const tree = write(['mktree'], `120000 blob ${blob}\t.gitmodules\n160000 commit ${lib}\ta\n`)
  const sha = await repository.git('commit-tree', '-m', 'Link', tree)
  await repository.git('update-ref', `refs/heads/made-${++commits}`, sha)
  return sha
}

/** A commit with these submodules; `.gitmodules` as it is given. */
const withModules = (text: string, modules: Record<string, string>): string =>
  commitOf({ files: { '.gitmodules': text, 'app.txt': 'app' }, modules })

const module = (name: string, path: string, url: string, more = ''): string =>
  `[submodule "${name}"]\n\tpath = ${path}\n\turl = ${url}\n${more}`

/** Checks a commit of the repository out and resolves to the folder. */
async function checkOut(sha: string, over: Partial<CommitSource> = {}): Promise<string> {
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.url,
    ref: 'refs/heads/main',
    sha,
    ...over,
  }
  const folder = dir.join(`workspace-${++folders}`)
  await mkdir(folder)
  const checkouts = new Checkouts(mirrors, env, { limits, fetchHosts: [] })
  await checkouts.checkOut(commit, folder, { clone: { submodules: true }, signal })
  return folder
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

test('brings submodules and theirs, each a repository of its own at the commit that is named', async () => {
  const lib = await repository.head()
  const middle = withModules(module('deep', 'deep/er', '../repository'), { 'deep/er': lib })
  const sha = withModules(
    module('lib one', 'libs/one', repository.url) +
      module('two', 'libs/two', '../repository') +
      module('not wanted', 'libs/none', 'ext::sh -c id', '\tupdate = none\n') +
      module('not in the tree', 'libs/gone', 'ext::sh -c id'),
    { 'libs/one': lib, 'libs/two': middle, 'libs/none': lib },
  )
  const folder = await checkOut(sha)
  const read = (path: string) => readFile(join(folder, path), 'utf8')
  assert.equal(await read('libs/one/lib.txt'), 'library')
  assert.equal(await read('libs/two/app.txt'), 'app')
  assert.equal(await read('libs/two/deep/er/lib.txt'), 'library')
  assert.deepEqual(await readdir(join(folder, 'libs/none')), [])
  const inFolder = (...args: string[]) => git(args, { cwd: folder, env })
  assert.equal(await inFolder('status', '--porcelain'), '')
  const status = (await inFolder('submodule', 'status', 'libs/one', 'libs/two')).split('\n')
  assert.deepEqual(
    status.filter((line) => line !== '').map((line) => line.slice(0, 41)),
    [` ${lib}`, ` ${middle}`],
  )
  assert.equal(await git(['log', '--format=%s'], { cwd: join(folder, 'libs/one'), env }), 'Begin\n')
})

test('submodules have the names that git lets them have', async () => {
  const lib = await repository.head()
  const names = ['.vim/pack/x', '@a/b', 'a"b', 'c:\\d', 'ü, (e)', '-f', 'g..h', 'i'.repeat(300)]
  const quoted = names.map((name) => name.replaceAll(/["\\]/g, '\\$&'))
  const text = quoted.map((name, at) => module(name, `m${at}`, '../repository')).join('')
  const folder = await checkOut(
    withModules(text, Object.fromEntries(names.map((_, at) => [`m${at}`, lib]))),
  )
  const inFolder = async (...args: string[]) => await git(args, { cwd: folder, env })
  for (const [at, name] of names.entries()) {
    assert.equal(await readFile(join(folder, `m${at}`, 'lib.txt'), 'utf8'), 'library', name)
    assert.equal(await inFolder('config', `submodule.${name}.url`), `${repository.url}\n`)
  }
  assert.equal(await inFolder('status', '--porcelain'), '')
  const status = await inFolder('submodule', 'status')
  assert.equal(status.match(/^ /gm)?.length, names.length, status)
})

test('what .gitmodules says runs nothing and fetches from nowhere else', async () => {
  const lib = await repository.head()
  const marker = dir.join('marker')
  const evil = `!touch ${marker}`
  const refused: [string, RegExp][] = [
    [module('a', 'a', 'https://127.0.0.1/x'), /submodule "a" of acme\/app.*a different host/],
    [module('a', 'a', repository.path), /local paths are not fetched/],
    [module('a', 'a', '../../x'), /leads out of/],
    [module('../a', 'a', '../repository'), /gitmodulesName|isn't a valid submodule name/],
    [module('a/../b', 'a', '../repository'), /gitmodulesName|isn't a valid submodule name/],
    [module('a\\\\..', 'a', '../repository'), /gitmodulesName|isn't a valid submodule name/],
    ['[submodule "a"b"]\n', /\.gitmodules: it can't be read/],
    // git itself refuses to take these in.
    [module('a', 'a', '-uevil'), /gitmodulesUrl|only https/],
    [module('a', 'a', '../repository', `\tupdate = ${evil}\n`), /gitmodulesUpdate/],
  ]
  for (const [text, message] of refused) {
    await assert.rejects(checkOut(withModules(text, { a: lib })), { message }, text)
  }
  const linked = await linkedModules(lib)
  await assert.rejects(checkOut(linked), { message: /gitmodulesSymlink|isn't a regular file/ })
  assert.equal(await isThere(marker), false)
})

test('a path that ends in a carriage return, or that a link stands for, leads nowhere else', async () => {
  // CVE-2025-48384 and CVE-2024-32002: the submodule's files land among its hooks.
  const marker = dir.join('hooked')
  const hook = `#!/bin/sh\ntouch ${marker}\n`
  const lib = commitOf({ files: { 'post-checkout': hook, 'y/hooks/post-checkout': hook } })
  const text =
    module('sub', '"sub\r"', '../repository') + module('x', 'A/modules/x', '../repository')
  const sha = commitOf({
    files: { '.gitmodules': text },
    links: { sub: '.git/modules/sub/hooks', a: '.git' },
    modules: { 'sub\r': lib, 'A/modules/x': lib },
  })
  const folder = await checkOut(sha)
  assert.equal(await isThere(join(folder, 'A/modules/x/post-checkout')), true)
  assert.equal(await isThere(join(folder, '.git/modules')), false)
  assert.equal(await isThere(join(folder, '.git/hooks')), false)
  assert.equal(await isThere(marker), false)
})

test('submodules that are too many or too deep are refused', async () => {
  let inner = await repository.head()
  for (let depth = 0; depth < 9; depth++) {
    inner = withModules(module('a', 'a', '../repository'), { a: inner })
  }
  await assert.rejects(checkOut(inner), { code: 'invalid', message: /more than 8 deep/ })
  const many = Array.from({ length: 101 }, (_, i) => module(`m${i}`, `m${i}`, './')).join('')
  const sha = withModules(many, {})
  await assert.rejects(checkOut(sha), { code: 'invalid', message: /more than 100 submodules/ })
})
