import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, beforeEach, test } from 'node:test'
import { type GitRepository, gitRepository } from '#root/test/support/git-repository.ts'
import { type TempDir, tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../../config/env.ts'
import type { CommitSource } from '../../../contract/rpc/attempt.ts'
import type { CloneSpec } from '../../../core/plan/plan.ts'
import { git } from '../../../lib/git/git.ts'
import { silentLog } from '../../../lib/log.ts'
import { MirrorCache } from '../../mirror/mirror-cache.ts'
import { Checkouts } from '../checkouts.ts'
import { parsePointer } from './pointer.ts'

const env = readGitEnv()
const { signal } = new AbortController()
const ATTRIBUTES = { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' }

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const pointerOf = (text: string): string =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(text)}\nsize ${text.length}\n`

/** What the server of Git LFS has, what it was asked, and how it answers. */
const server = {
  objects: new Map<string, string>(),
  requests: [] as string[],
  status: 200,
  failures: 0,
}

/** Beside the repository, as forges have it: docs/api/batch.md of git-lfs. */
function answerLfs(request: IncomingMessage, response: ServerResponse): boolean {
  const [, path] = /^\/repository\.git\/info\/lfs\/(.+)$/.exec(request.url ?? '') ?? []
  if (path === undefined) return false
  server.requests.push(path.slice(0, 13))
  if (path === 'objects/batch') void answerBatch(request, response)
  else if (server.failures-- > 0) response.writeHead(503).end()
  else if (request.headers['x-access'] !== 'granted') response.writeHead(403).end()
  else response.end(server.objects.get(path))
  return true
}

async function answerBatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await json(request)) as { objects: { oid: string; size: number }[] }
  const base = `http://${request.headers.host}/repository.git/info/lfs`
  const objects = body.objects.map(({ oid, size }) => {
    if (!server.objects.has(oid)) return { oid, size, error: { code: 404, message: 'Not found' } }
    const header = { 'X-Access': 'granted' }
    return { oid, size, actions: { download: { href: `${base}/${oid}`, header } } }
  })
  response.writeHead(server.status, { 'content-type': 'application/vnd.git-lfs+json' })
  response.end(JSON.stringify({ transfer: 'basic', objects }))
}

let repository: GitRepository
let dir: TempDir
let mirrors: MirrorCache
let folders = 0

before(async () => {
  repository = await gitRepository({ files: ATTRIBUTES, serve: true, intercept: answerLfs })
  dir = await tempDir()
  mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
})
after(async () => {
  await mirrors[Symbol.asyncDispose]()
  await dir[Symbol.asyncDispose]()
  await repository[Symbol.asyncDispose]()
})
beforeEach(() => {
  server.requests.length = 0
  server.status = 200
  server.failures = 0
})

async function checkOut(
  sha: string,
  clone: CloneSpec = { lfs: true },
  bytes = 1e6,
): Promise<string> {
  const commit: CommitSource = {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.url,
    ref: 'refs/heads/main',
    sha,
  }
  const folder = dir.join(`workspace-${++folders}`)
  await mkdir(folder)
  const limits = { files: 1000, bytes }
  await new Checkouts(mirrors, env, { limits, fetchHosts: [] }).checkOut(commit, folder, {
    clone,
    signal,
  })
  return folder
}

/** A commit with a pointer to this text, which the server has. */
async function commitFile(text: string, path = 'a.bin'): Promise<string> {
  server.objects.set(sha256(text), text)
  return await repository.commit({ [path]: pointerOf(text) })
}

test('puts the files that Git LFS keeps in the place of their pointers, and downloads them once', async () => {
  const text = 'a picture '.repeat(50)
  await commitFile(text, 'pictures/run me.bin')
  await chmod(join(repository.path, 'pictures/run me.bin'), 0o755)
  await commitFile(text, '-rf.bin')
  const sha = await repository.commit({ 'pointer.txt': pointerOf('of another kind') })
  server.failures = 1
  for (const clone of [{ lfs: true }, { lfs: true, depth: 1 }] as const) {
    const folder = await checkOut(sha, clone)
    for (const path of ['pictures/run me.bin', '-rf.bin']) {
      assert.equal(await readFile(join(folder, path), 'utf8'), text)
    }
    assert.equal((await stat(join(folder, 'pictures/run me.bin'))).mode & 0o777, 0o755)
    assert.equal((await stat(join(folder, '-rf.bin'))).mode & 0o777, 0o644)
    assert.equal(await readFile(join(folder, 'pointer.txt'), 'utf8'), pointerOf('of another kind'))
    assert.equal(await git(['status', '--porcelain'], { cwd: folder, env }), '')
  }
  // Once in vain; the second checkout has it beside the mirror.
  assert.deepEqual(
    server.requests.map((path) => path === 'objects/batch'),
    [true, false, false],
  )
  const without = await checkOut(sha, { depth: 1 })
  assert.equal(await readFile(join(without, '-rf.bin'), 'utf8'), pointerOf(text))
  await repository.commit({ '-rf.bin': null, 'pictures/run me.bin': null })
})

test('says what is not there, may not be had, is too large, or is not what it should be', async () => {
  const missing = await repository.commit({ 'a.bin': pointerOf('nobody has it') })
  await assert.rejects(checkOut(missing), {
    code: 'unavailable',
    message: /info\/lfs has no object [0-9a-f]{12}: 404 Not found/,
  })
  server.status = 401
  await assert.rejects(checkOut(missing), { message: /the runner has no credentials for it/ })
  server.status = 200
  const large = await commitFile('x'.repeat(5000))
  await assert.rejects(checkOut(large, { lfs: true }, 2000), {
    code: 'too_large',
    message: /clone_failed: limit/,
  })
  for (const sent of ['y'.repeat(300), 'x'.repeat(301)]) {
    const sha = await commitFile('x'.repeat(300))
    server.objects.set(sha256('x'.repeat(300)), sent)
    await assert.rejects(checkOut(sha), { message: /it sent (something else|more than)/ })
  }
})

test('.lfsconfig leads to no other host, and pointers are only what the format says', async () => {
  await commitFile('wanted')
  for (const url of ['https://evil.example.com/lfs', 'http://169.254.169.254/', 'ext::sh -c id']) {
    const sha = await repository.commit({ '.lfsconfig': `[lfs]\n\turl = ${url}\n` })
    await assert.rejects(checkOut(sha), { code: 'invalid', message: /in \.lfsconfig is at/ })
  }
  assert.deepEqual(server.requests, [])
  const own = `[lfs]\n\turl = ${repository.url}.git/info/lfs/\n`
  const folder = await checkOut(await repository.commit({ '.lfsconfig': own }))
  assert.equal(await readFile(join(folder, 'a.bin'), 'utf8'), 'wanted')

  const pointer = pointerOf('x'.repeat(10))
  assert.deepEqual(parsePointer(pointer), { oid: sha256('x'.repeat(10)), size: 10 })
  const none = [
    'x',
    pointer.replace('sha256:', 'md5:'),
    pointer.replace('size 10', 'size -1'),
    pointer.replace('oid ', '../oid '),
    pointer.replace('oid', 'ext-0-x sha256:1\noid'),
    pointer + ' '.repeat(2000),
  ]
  for (const text of none) assert.equal(parsePointer(text), undefined, text)
})
