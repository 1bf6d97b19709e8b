import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filledNarwhal } from '#root/test/support/cli/filled-narwhal.ts'
import { runCommand } from '#root/test/support/cli/run-command.ts'
import { aJob, aPipeline, aRepository, aRunner, aStep } from '#root/test/support/cli/views.ts'

test('lets no hostile title, branch, author or reason reach the terminal as it is', async () => {
  await using fake = await filledNarwhal()
  const evil = 'x\x1b]0;owned\x07\x1b[2J\u202e\u009b1A\r\n'
  const { event } = aPipeline()
  fake.pipelines[0] = aPipeline({
    status: 'finished',
    outcome: 'error',
    reason: evil,
    name: evil,
    event: { ...event, title: evil, author: evil, ref: `refs/heads/${evil}`, sha: evil },
    problems: [{ message: evil, line: 1, column: 1, excerpt: evil }],
  })
  fake.jobs[0] = aJob(evil, [aStep(0, evil, { reason: evil })], { id: 'job_x', reason: evil })
  fake.runners[0] = aRunner({ name: evil, labels: [evil], reason: evil, url: evil })
  fake.repositories[0] = aRepository({ name: evil, cloneUrl: evil })
  if (fake.queue[0]) fake.queue[0] = { ...fake.queue[0], name: evil, reason: evil }
  const lines = [
    'pipeline list',
    'pipeline list --json',
    'pipeline show pipeline_1',
    'pipeline show pipeline_1 --json',
    'runner list',
    'repo list',
    'queue',
    'pipeline cancel pipeline_1 --job nope',
    'logs pipeline_1 --job nope',
  ]
  for (const line of lines) {
    const { out, err } = await runCommand(fake.url, line, { tty: true })
    // oxlint-disable-next-line no-control-regex
    const plain = (out + err).replaceAll(/\x1b\[[0-9;]*m/g, '')
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(plain, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/, line)
  }
})

test('says what answers is no Narwhal when it is something else', async () => {
  await using fake = await filledNarwhal()
  const { err, code } = await runCommand(`${fake.url}/elsewhere`, 'queue')
  assert.equal(code, 3)
  assert.match(err, /there is nothing at GET \/elsewhere\/api\/v1\/queue/)
})
