import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, logText, startUp } from './support/installation.ts'

const PASSWORD = 'hunter2-the-secret-of-ada'
const FILE = {
  'narwhal.yml': JSON.stringify({
    steps: [{ name: 'look', command: 'cat .git/config; env; git remote -v; echo done' }],
  }),
}

test('a private repository is polled, planned and checked out with its credentials, and no job has them', async () => {
  await using repository = await gitRepository({ files: FILE, serve: true, password: PASSWORD })
  await using narwhal = await startUp({ executor: 'process:' })
  const added = { name: 'team/app', cloneUrl: repository.url, pollIntervalMs: 200 }
  await assert.rejects(narwhal.client.addRepository(added), (error: Error) => {
    assert.match(error.message, /is private, or isn't there: .*--credentials-file/)
    assert.doesNotMatch(error.message, /prompts/)
    return true
  })
  const wrong = { ...added, credentials: { username: 'ada', password: 'wrong' } }
  await assert.rejects(narwhal.client.addRepository(wrong), /refuses the repository's credentials/)
  const credentials = { username: 'ada', password: PASSWORD }
  const { repository: shown } = await narwhal.client.addRepository({ ...added, credentials })
  assert.deepEqual(shown.credentials, ['password'])
  assert.ok(!JSON.stringify(await narwhal.client.getRepository('team/app')).includes(PASSWORD))

  const sha = await repository.commit({ 'a.txt': 'a' })
  const pipeline = await eventually(async () => {
    const pipelines = await narwhal.client.listPipelines({ limit: 10 })
    return pipelines.find(({ event }) => event.sha === sha) ?? null
  })
  const { pipeline: ended, jobs } = await finished(narwhal, pipeline.id)
  assert.equal(ended.outcome, 'success', JSON.stringify(ended))
  const [job] = jobs
  assert.ok(job)
  const log = await logText(narwhal, job)
  assert.match(log, /done/)
  const shapes = [PASSWORD, btoa(`ada:${PASSWORD}`)]
  for (const shape of shapes) assert.ok(!log.includes(shape))
  // By hand, too.
  const started = await narwhal.client.startPipeline({ repository: 'team/app', ref: 'main' })
  assert.equal((await finished(narwhal, started.id)).pipeline.outcome, 'success')

  for (const path of await filesIn(narwhal.dataDir)) {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0))
    for (const shape of shapes) assert.ok(!bytes.includes(shape), path)
  }
  for (const shape of shapes) assert.ok(!narwhal.output().includes(shape))
})

test('a password is not sent to another server after the clone URL was changed', async () => {
  await using repository = await gitRepository({ files: FILE, serve: true, password: PASSWORD })
  const shown: (string | undefined)[] = []
  await using other = await gitRepository({
    files: FILE,
    serve: true,
    intercept: (request) => {
      shown.push(request.headers.authorization)
      return false
    },
  })
  await using narwhal = await startUp()
  const credentials = { username: 'ada', password: PASSWORD }
  const added = { name: 'team/app', cloneUrl: repository.url, credentials, pollIntervalMs: 0 }
  await narwhal.client.addRepository(added)
  const change = { cloneUrl: other.url }
  const { repository: changed, warnings } = await narwhal.client.changeRepository(
    'team/app',
    change,
  )
  assert.match(warnings.join('\n'), /its password was for 127\.0\.0\.1 and is deleted/)
  assert.equal(changed.credentials, undefined)
  assert.ok(shown.length > 0)
  assert.deepEqual(new Set(shown), new Set([undefined]))
  const back = { cloneUrl: repository.url }
  await assert.rejects(narwhal.client.changeRepository('team/app', back), /is private/)
  await narwhal.client.changeRepository('team/app', { ...back, credentials })
  const none = narwhal.client.changeRepository('team/app', { credentials: null })
  assert.equal((await none).repository.credentials, undefined)
})

test('a deploy key is made for a repository, shown by its public half, and sealed', async () => {
  await using repository = await gitRepository({ files: FILE })
  await using narwhal = await startUp()
  await narwhal.client.addRepository({ name: 'team/app', cloneUrl: repository.path })
  const { deployKey, repository: shown } = await narwhal.client.makeDeployKey('team/app')
  assert.match(deployKey, /^ssh-ed25519 \S+ narwhal:team\/app$/)
  assert.deepEqual([shown.deployKey, shown.credentials], [deployKey, ['deploy key']])
  assert.equal((await narwhal.client.getRepository('team/app')).deployKey, deployKey)
  const again = await narwhal.client.makeDeployKey('team/app')
  assert.notEqual(again.deployKey, deployKey)
  for (const path of await filesIn(narwhal.dataDir)) {
    assert.ok(
      !(await readFile(path).catch(() => Buffer.alloc(0))).includes('OPENSSH PRIVATE'),
      path,
    )
  }
})

/** Folders come and go meanwhile. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found = entries.map(async (one) => {
    const path = join(folder, one.name)
    return one.isDirectory() ? await filesIn(path) : one.isFile() ? [path] : []
  })
  return (await Promise.all(found)).flat()
}
