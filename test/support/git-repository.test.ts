import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gitRepository } from './git-repository.ts'
import { tempDir } from './temp-dir.ts'

const run = promisify(execFile)
const env = { PATH: process.env['PATH'], GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' }

test('serves commits, branches and tags by smart HTTP', async () => {
  await using repository = await gitRepository({ files: { 'a/b.txt': 'one\n' }, serve: true })
  await using dir = await tempDir()
  const first = await repository.head()
  await repository.tag('v1', 'The first')
  await repository.branch('topic')
  const second = await repository.commit({ 'a/b.txt': null, 'c.txt': 'two\n' })

  const refs = await run('git', ['ls-remote', repository.url], { env })
  assert.match(refs.stdout, new RegExp(`${second}\trefs/heads/topic`))
  assert.match(refs.stdout, new RegExp(`${first}\trefs/tags/v1\\^\\{\\}`))

  await run('git', ['clone', '-q', '-b', 'main', repository.url, dir.join('clone')], { env })
  assert.equal(await readFile(dir.join('clone', 'a/b.txt'), 'utf8'), 'one\n')
  await run('git', ['fetch', '-q', '--depth=1', 'origin', second], { cwd: dir.join('clone'), env })
  assert.ok(repository.requests.some((line) => line === 'POST /repository/git-upload-pack'))
})

test('creates a commit that no ref has, and leaves nothing behind', async () => {
  await using repository = await gitRepository({ files: { a: 'one' } })
  const before = await repository.head()
  const sha = await repository.commitAside({ a: 'two', b: 'new' })
  assert.equal(await repository.head(`${sha}^`), before)
  assert.equal(await repository.git('diff', '--name-only', before, sha), 'a\nb')
  assert.equal(
    await repository.git('show-ref', '--head'),
    `${before} HEAD\n${before} refs/heads/main`,
  )
  assert.equal(await repository.git('status', '--porcelain'), '')
})

test('requires the password if there is one', async () => {
  await using repository = await gitRepository({
    files: { a: 'a' },
    serve: true,
    password: 'sesame',
  })
  await assert.rejects(run('git', ['ls-remote', repository.url], { env }))
  const url = repository.url.replace('://', '://ada:sesame@')
  const { stdout } = await run('git', ['ls-remote', url], { env })
  assert.match(stdout, /refs\/heads\/main/)
})

test('is a plain folder with a file URL when it is not served', async () => {
  await using repository = await gitRepository()
  const sha = await repository.commit({ 'x.txt': 'x' }, 'Add x')
  const { stdout } = await run('git', ['ls-remote', repository.url, 'HEAD'], { env })
  assert.equal(stdout, `${sha}\tHEAD\n`)
})
