import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand } from '#root/test/support/cli/run-command.ts'
import { eventually } from '#root/test/support/eventually.ts'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '#root/test/support/github.ts'
import { pipelineOf, register, startUp } from '#root/test/support/installation.ts'

test('without a terminal only a pipeline whose commit is named is approved', async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': 'steps: [print ok]\n' } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path, { name: 'ada/asked' })
  const files = { a: '1', 'narwhal.yml': 'steps: [print more]\n' }
  const commit = await pullCommit(source, 1, files)
  const { sha } = commit
  const payload = pullRequestPayload(repository.forge, { ...commit, headRepositoryId: 999 })
  const { secret } = repository
  const told = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
  const { id } = await pipelineOf(narwhal, told.body.eventId)
  await eventually(async () => (await narwhal.client.listAwaiting()).length === 1)
  const env = { NARWHAL_TOKEN: narwhal.token }
  const run = (line: string) => runCommand(narwhal.url, line, { env })

  const listed = await run('pipeline awaiting')
  assert.match(listed.out, /^PIPELINE +FOR .*\nada\/asked#1 +run +#1 /)
  const shown = await run('pipeline show ada/asked#1')
  assert.ok(shown.out.includes(`narwhal pipeline approve ada/asked#1 --sha ${sha}\n`), shown.out)
  assert.match(listed.out, / CHANGES +SINCE\n.* 2 files: narwhal\.yml +/)
  assert.match(shown.out, /changes +narwhal\.yml \(pipeline file\)\n +a\n/)
  const unnamed = await run('pipeline approve ada/asked#1')
  assert.notEqual(unnamed.code, 0)
  assert.ok(unnamed.err.includes(sha) && unnamed.err.includes('--sha'))
  const other = await run(`pipeline approve ada/asked#1 --sha ${'c'.repeat(40)}`)
  assert.notEqual(other.code, 0)
  assert.ok(other.err.includes(sha) && other.err.includes('c'.repeat(40)))
  assert.notEqual((await run('pipeline approve ada/asked#1@1')).code, 0)
  assert.equal((await narwhal.client.getPipeline(id)).pipeline.approval?.status, 'needed')

  const approved = await run(`pipeline approve ada/asked#1@${sha.slice(0, 10)}`)
  assert.equal(approved.out, `approved ada/asked#1 at commit ${sha}\n`)
  const set = await run('repo set ada/asked --approval all-strangers --strangers 49,50')
  assert.match(
    set.out,
    /^ada\/asked: .*; approval: all-strangers; pipeline files: wait; skipped: success; strangers: 49, 50\n$/,
  )
  const careless = await run('repo set ada/asked --pipeline-files run --skipped open')
  assert.match(careless.out, /pipeline files: run; skipped: open/)
  assert.notEqual((await run('repo set ada/asked --strangers bot')).code, 0)
})
