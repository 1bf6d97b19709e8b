import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { deliver, pullRequestPayload, pushPayload } from '../support/github.ts'
import { finished, pipelineOf, register, startUp } from '../support/installation.ts'
import { statusForge } from '../support/status-forge.ts'
import { tempDir } from '../support/temp-dir.ts'

const FILE = JSON.stringify({ jobs: { test: { steps: ['print ran'] } } })
const DAY_MS = 86_400_000

test('STR-26: a bot that pushes to own branches is suggested as a stranger, listed with one command, and marked when its name changes', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path, { name: 'ada/updated' })
  const env = { NARWHAL_TOKEN: narwhal.token }
  const run = (line: string) => runCommand(narwhal.url, line, { env })
  const push = async (sender: object): Promise<PipelineView> => {
    const sha = await source.commit({ stamp: String(Math.random()) })
    const payload = { ...pushPayload(repository.forge, { sha, ref: 'refs/heads/main' }), sender }
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'push', payload, secret })
    return await pipelineOf(narwhal, body.eventId)
  }
  await push({ id: 7, login: 'ada', type: 'User' })
  const before = await run('repo show ada/updated')
  assert.equal(before.code, 0)
  assert.ok(!before.out.includes('pushes to its branches'), before.out)

  const bot = { id: 49_699_333, login: 'dependabot[bot]', type: 'Bot' }
  const trusted = await push(bot)
  assert.equal(trusted.event.stranger, undefined)
  const suggested = await run('repo show ada/updated')
  assert.match(suggested.out, /bot +dependabot\[bot\] pushes to its branches/)
  const [, line = ''] =
    /narwhal (repo set ada\/updated --strangers 49699333)\n/.exec(suggested.out) ?? []
  assert.equal((await run(line)).code, 0)
  const waiting = await push(bot)
  assert.equal(waiting.event.stranger, 'listed_account')
  const listed = await run('repo show ada/updated')
  assert.match(listed.out, /stranger +49699333 \(dependabot\[bot\]\)\n/)
  assert.ok(!listed.out.includes('pushes to its branches'))

  // The number decides, whatever its name; a changed name is reported.
  const renamed = await push({ ...bot, login: 'something-else' })
  assert.equal(renamed.event.stranger, 'listed_account')
  const shown = await run('repo show ada/updated')
  assert.match(
    shown.out,
    /stranger +49699333 \(something-else, was dependabot\[bot\] when listed: check whose it is\)/,
  )
})

test('STR-27: a manual start of a branch by an approver needs no approval, and is recorded as theirs', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path, { name: 'ada/vouched' })
  // Even if everything on the branch would have had to wait.
  await narwhal.client.changeRepository(repository.id, {
    approval: 'all-strangers',
    strangerAccounts: [49],
  })
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/vouched', ref: 'main' })
  const { pipeline } = await finished(narwhal, id)
  assert.equal(pipeline.outcome, 'success')
  assert.ok(pipeline.startedBy)
  assert.partialDeepStrictEqual(pipeline.approval, { status: 'given', by: pipeline.startedBy })

  // A ref without an owner still requires approval.
  const ref = 'refs/merge-requests/5/head'
  await source.git('update-ref', ref, await source.commitAside({ a: '1' }))
  const other = await narwhal.client.startPipeline({ repository: 'ada/vouched', ref })
  const held = await eventually(async () => {
    const one = (await narwhal.client.getPipeline(other.id)).pipeline
    return one.approval ? one : null
  })
  assert.partialDeepStrictEqual(held.approval, { status: 'needed', for: 'run' })
})

test('STR-28: pipelines that stay unapproved for some days end, and the forge is notified', async () => {
  await using forge = await statusForge()
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using dir = await tempDir()
  const flags = { data: dir.path, userRequests: 'private', approvalDays: '2' }
  const id = await (async () => {
    await using narwhal = await startUp(flags)
    const repository = await register(narwhal, source.path, { name: 'ada/forgotten' })
    await narwhal.client.linkForge(repository.id, {
      forge: 'github',
      apiUrl: forge.url,
      project: 'ada/forgotten',
      token: 'a-token-of-the-forge',
      isUnchecked: true,
    })
    const sha = await source.commit({ a: '1' })
    await source.git('update-ref', 'refs/pull/1/head', sha)
    const payload = pullRequestPayload(repository.forge, { number: 1, sha, headRepositoryId: 999 })
    const { secret } = repository
    const told = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    const one = await pipelineOf(narwhal, told.body.eventId)
    await eventually(() =>
      forge.taken.some(({ body }) => body['description']?.includes('waits for approval')),
    )
    return one.id
  })()
  // Three days later: the time is changed in the database, since the clock can't be.
  const database = new DatabaseSync(dir.join('narwhal.db'))
  database.exec(`update pipelines set approval_since = approval_since - ${3 * DAY_MS}`)
  database.close()
  await using narwhal = await startUp(flags)
  const { pipeline } = await finished(narwhal, id)
  assert.equal(pipeline.reason, 'nobody approved it within 2 days')
  assert.deepEqual(await narwhal.client.listAwaiting(), [])
  const last = await eventually(() => {
    const { body } = forge.taken.at(-1) ?? {}
    return body?.['description']?.includes('nobody approved it within 2 days') ? body : null
  })
  assert.equal(last['state'], 'error')
})
