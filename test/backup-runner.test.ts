import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { PipelineId } from '../src/core/ids.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, type Installation, startUp } from './support/installation.ts'
import { runNarwhal } from './support/narwhal-process.ts'
import { startRunnerProcess } from './support/runner-process.ts'
import { tempDir } from './support/temp-dir.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'

test('a job whose runner has outlived the restore starts as its next attempt, and stops there', async () => {
  await using dir = await tempDir()
  await using runner = await startRunnerProcess({ name: 'far', labels: 'far' })
  const [witness, enough] = [dir.join('witness'), dir.join('enough')]
  const command = [
    `while ! [ -e ${enough} ]; do`,
    `echo $NARWHAL_ATTEMPT >> ${witness}; echo line; sleep 0.05`,
    'done',
  ].join('\n')
  const plan = { jobs: { long: { labels: ['far'], steps: [{ name: 'beat', command }] } } }
  await using repository = await gitRepository({ files: { 'narwhal.yml': JSON.stringify(plan) } })
  const file = dir.join('backup.db')
  const id = await (async () => {
    await using narwhal = await startUp({ data: dir.join('former') })
    await narwhal.client.addRunner({ name: 'far', url: runner.url, token: RUNNER_TOKEN })
    await narwhal.client.addRepository({
      name: 'ada/project',
      cloneUrl: repository.path,
      pollIntervalMs: 0,
    })
    const pipeline = await narwhal.client.startPipeline({ repository: 'ada/project' })
    await eventually(async () => (await countLines(narwhal, pipeline.id)) >= 5)
    assert.equal((await runNarwhal(['backup', file, '--data', narwhal.dataDir])).code, 0)
    // What is acknowledged from now on the runner forgets, and the backup does not have it.
    const more = (await countLines(narwhal, pipeline.id)) + 10
    await eventually(async () => (await countLines(narwhal, pipeline.id)) >= more)
    return pipeline.id
  })()
  const { code, said } = await runNarwhal(['restore', file, '--data', dir.join('restored')])
  assert.equal(code, 0, said)

  await using narwhal = await startUp({
    data: dir.join('restored'),
    sealingKeys: dir.join('former', 'sealing-keys'),
  })
  const beats = async () => (await readFile(witness, 'utf8')).trim().split('\n')
  await eventually(async () => (await beats()).slice(-20).every((attempt) => attempt === '2'), {
    timeoutMs: 40_000,
    message: 'the second attempt alone',
  })
  await writeFile(enough, '')
  const { pipeline, jobs } = await finished(narwhal, id)
  assert.equal(pipeline.outcome, 'success')
  const attempts = jobs[0]?.attempts ?? []
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ['error', 'success'],
  )
  assert.match(attempts[0]?.reason ?? '', /runner lost/)
  assert.doesNotMatch((await beats()).join(''), /21/)
  // It has nothing to do any more, and nobody to tell of it.
  await runner.process.kill()
})

async function countLines({ client }: Installation, id: PipelineId): Promise<number> {
  const { jobs } = await client.getPipeline(id)
  const [job] = jobs
  if (!job || job.attempts.length === 0) return 0
  const page = await client.readLog({ jobId: job.id, attempt: 1 }, { from: 0, limit: 10_000 })
  return page.lines.length
}
