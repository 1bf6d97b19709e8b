import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type GitRepository, gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import {
  finished,
  type Installation,
  pipelineOf,
  push,
  type Registered,
  register,
  startUp,
} from '../support/installation.ts'

/** A pull request from another repository; the branches of this one stay as they are. */
async function pullFromFork(
  narwhal: Installation,
  { source, repository }: { source: GitRepository; repository: Registered },
  { number, file }: { number: number; file: string },
): Promise<Awaited<ReturnType<typeof pipelineOf>>> {
  const files = { 'narwhal.yml': file, stamp: `pull ${number}` }
  const { sha } = await pullCommit(source, number, files)
  const payload = pullRequestPayload(repository.forge, { number, sha, headRepositoryId: 999 })
  const { secret } = repository
  const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
  return await pipelineOf(narwhal, body.eventId)
}

test('SEC-07: a stranger’s job that occupies a group, with a limit of its own, blocks no deployment', async () => {
  const own = JSON.stringify({
    jobs: { deploy: { concurrency: 'deploy', steps: ['print done'] } },
  })
  await using source = await gitRepository({ files: { 'narwhal.yml': own } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path, { name: 'ada/groups' })
  await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })
  const theirs = JSON.stringify({
    jobs: { hold: { concurrency: { group: 'deploy', limit: 100 }, steps: ['sleep 600000'] } },
  })
  const held = await pullFromFork(narwhal, { source, repository }, { number: 1, file: theirs })
  const running = async () => (await narwhal.client.getPipeline(held.id)).jobs[0]?.status
  await eventually(async () => (await running()) === 'running')
  const { body } = await push(narwhal, repository, { sha: await source.head() })
  const { id } = await pipelineOf(narwhal, body.eventId)
  const deployed = await finished(narwhal, id)
  assert.equal(deployed.jobs[0]?.outcome, 'success')
  // It is in the strangers' group, where another one waits for it, whatever its limit.
  assert.equal(await running(), 'running')
  await narwhal.client.cancelPipeline(held.id, 'the test is over')
})

test('SEC-08: a stranger’s priority never puts its job first, and a file’s own is limited', async () => {
  const file = (priority: number, name: string) =>
    JSON.stringify({ jobs: { [name]: { priority, labels: ['later'], steps: ['print done'] } } })
  await using source = await gitRepository({ files: { 'narwhal.yml': file(1, 'modest') } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path, { name: 'ada/order' })
  await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })
  // No runner has the label, so all of them wait.
  const theirs = { number: 1, file: file(100, 'stranger') }
  const pull = await pullFromFork(narwhal, { source, repository }, theirs)
  const names = async () => (await narwhal.client.listQueue()).jobs.map(({ name }) => name)
  await eventually(async () => (await names()).includes('stranger'))
  await push(narwhal, repository, { sha: await source.head() })
  await eventually(async () => (await names()).length === 2)
  assert.deepEqual(await names(), ['modest', 'stranger'])
  await narwhal.client.cancelPipeline(pull.id, 'the test is over')
})

test('STR-02: a stranger’s job never runs over a machine’s own root file system: it waits, and says which setting is missing', async () => {
  const file = JSON.stringify({ jobs: { probe: { steps: ['true'] } } })
  await using source = await gitRepository({ files: { 'narwhal.yml': file } })
  for (const executor of ['bubblewrap:', 'process:']) {
    await using narwhal = await startUp({ executor })
    const repository = await register(narwhal, source.path, { name: 'ada/roots' })
    await narwhal.client.changeRepository(repository.id, { approval: 'nobody' })
    const pull = await pullFromFork(narwhal, { source, repository }, { number: 1, file })
    const reason = await eventually(
      async () => (await narwhal.client.listQueue()).jobs[0]?.reason ?? null,
    )
    assert.equal(
      reason,
      "no runner takes strangers' jobs: it needs a container engine that its --strangers names (by default oci: and docker:)",
    )
    const { jobs } = await narwhal.client.getPipeline(pull.id)
    assert.deepEqual([jobs[0]?.status, jobs[0]?.attempts], ['queued', []])
    await narwhal.client.cancelPipeline(pull.id, 'the test is over')
  }
})
