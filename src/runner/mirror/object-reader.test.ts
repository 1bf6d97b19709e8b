import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { readGitEnv } from '../../config/env.ts'
import { ObjectReader } from './object-reader.ts'
import { ObjectStream } from './object-stream.ts'
import { readCommit } from './read-commit.ts'

const env = readGitEnv()

test('a content that looks like answers is only a content', async () => {
  const hostile = `${'ab'.repeat(20)} missing\n${'cd'.repeat(20)} commit 4\nevil\n`
  await using repository = await gitRepository({ files: { a: hostile, b: '' } })
  using reader = new ObjectReader(`${repository.path}/.git`, env)
  const a = await repository.git('rev-parse', 'HEAD:a')
  const b = await repository.git('rev-parse', 'HEAD:b')
  const [first, none, second, empty] = await Promise.all([
    reader.read(a, 'blob', 1000),
    reader.info('ab'.repeat(20)),
    reader.info(a),
    reader.read(b, 'blob', 0),
  ])
  assert.equal(first.toString(), hostile)
  assert.equal(none, undefined)
  assert.deepEqual(second, { id: a, type: 'blob', size: hostile.length })
  assert.equal(empty.length, 0)
})

test('asks for nothing but whole object names, and reads no more than was allowed', async () => {
  await using repository = await gitRepository({ files: { a: 'a'.repeat(100) } })
  using reader = new ObjectReader(`${repository.path}/.git`, env)
  for (const name of ['HEAD', '--help', `${'ab'.repeat(20)}\ncontents HEAD`, 'ab', '']) {
    await assert.rejects(reader.info(name), { code: 'invalid' })
  }
  const blob = await repository.git('rev-parse', 'HEAD:a')
  await assert.rejects(reader.read(blob, 'blob', 99), { code: 'too_large' })
  await assert.rejects(reader.read(blob, 'commit', 1000), { message: /missing commit/ })
  assert.equal((await reader.read(blob, 'blob', 100)).length, 100)
})

test('sees what comes later, and starts git anew after it was killed', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  using reader = new ObjectReader(`${repository.path}/.git`, env)
  assert.equal((await reader.info(await repository.head()))?.type, 'commit')
  const later = await repository.commit({ a: 'b' })
  await repository.git('repack', '-a', '-d', '--quiet')
  assert.equal((await reader.info(later))?.type, 'commit')
  await repository.git('config', 'core.repositoryFormatVersion', '99')
  using broken = new ObjectReader(`${repository.path}/.git`, env)
  await assert.rejects(broken.info(later), { code: 'unavailable', message: /git cat-file failed/ })
  await repository.git('config', '--file', '.git/config', 'core.repositoryFormatVersion', '0')
  assert.equal((await broken.info(later))?.type, 'commit')
})

test('understands answers however they are cut, and refuses what is none', async () => {
  const id = 'ab'.repeat(20)
  const whole = `${id} blob 3\nx\ny\n${id} missing\n${id} tree 7\n`
  const stream = new ObjectStream()
  const answers = [stream.expect(true), stream.expect(true), stream.expect(false)]
  for (const character of whole) stream.push(Buffer.from(character))
  const [first, second, third] = await Promise.all(answers)
  assert.equal(first?.content.toString(), 'x\ny')
  assert.equal(second, undefined)
  assert.equal(third?.info.size, 7)
  void stream.expect(true)
  assert.throws(() => stream.push(Buffer.from('fatal: no such thing\n')), { code: 'unavailable' })
  const endless = new ObjectStream()
  void endless.expect(true)
  assert.throws(() => endless.push(Buffer.alloc(1000, 'a')), { code: 'unavailable' })
})

test('reads the words of a commit in its own encoding', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await repository.git('config', 'i18n.commitEncoding', 'ISO-8859-1')
  const tree = await repository.git('rev-parse', 'HEAD^{tree}')
  const raw = Buffer.from(
    `tree ${tree}\nauthor J\xfcrgen <j@example.com> 1 +0000\ncommitter x <x@x> 1 +0000\n` +
      'encoding ISO-8859-1\n\n\n  Gr\xf6\xdfer\nund mehr\n\nRest\n',
    'latin1',
  )
  const { execFileSync } = await import('node:child_process')
  const sha = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], {
    cwd: repository.path,
    input: raw,
  })
  using reader = new ObjectReader(`${repository.path}/.git`, env)
  const text = await readCommit(reader, sha.toString().trim())
  assert.deepEqual(text, { tree, parents: [], author: 'Jürgen', title: 'Größer und mehr' })
})
