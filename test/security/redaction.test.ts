import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { LogLine } from '../../src/contract/rest/views.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { eventually } from '../support/eventually.ts'
import { filesWith } from '../support/files-with.ts'
import { gitRepository } from '../support/git-repository.ts'
import { finished, type Installation, register, startUp } from '../support/installation.ts'
import { LiveTestClient } from '../support/live-client.ts'
import { tempDir } from '../support/temp-dir.ts'
import { bearer } from '../support/tokens.ts'

/** Printed by the job without being masked; nowhere stored in one piece. */
const LEAK = 'leaked-5d1f0c-canary'
const LEAKS = `printf 'leaked-%s-canary\\n' 5d1f0c`

/** Everything that the API returns of a log. */
async function shownOf({ url, token }: Installation, jobId: string): Promise<string> {
  const base = `${url}/api/v1/jobs/${jobId}/attempts/1/log`
  const parts: string[] = []
  for (const path of ['?limit=10000', '.txt', '.txt?timestamps=true', '/search?text=leaked']) {
    const answer = await fetch(base + path, { headers: bearer(token) })
    assert.equal(answer.status, 200, path)
    parts.push(await answer.text())
  }
  return parts.join('\n').replaceAll('"text":"leaked"', '')
}

test('MSK-10: redacted text of an ended log is in no answer and no file; outcome, hash and line numbers stay', async () => {
  const file = {
    jobs: {
      tells: {
        steps: [
          {
            name: 'leak',
            command: `for i in 1 2 3; do ${LEAKS}; seq 1 4000; ${LEAKS}; done; exit 0`,
          },
          { name: 'after', command: 'echo all is well; exit 3' },
        ],
      },
    },
  }
  await using source = await gitRepository({ files: { 'narwhal.yml': JSON.stringify(file) } })
  await using narwhal = await startUp({ executor: 'process:' })
  const { client } = narwhal
  const { forge } = await register(narwhal, source.path)
  const { id } = await client.startPipeline({ repository: forge.fullName })
  const [job] = (await finished(narwhal, id)).jobs
  assert.ok(job)
  const log = { jobId: job.id, attempt: 1 }
  const before = (await client.readLog(log, { from: 0, limit: 10_000 })).lines
  assert.ok((await shownOf(narwhal, job.id)).includes(LEAK))
  const all: LogLine[] = []
  for await (const line of client.followLog(log, 0)) all.push(line)
  const step = before.find(({ text }) => text === LEAK)?.step
  const leaked = all.filter((line) => line.step === step)
  const sha256 = createHash('sha256')
    .update(leaked.map(({ text }) => `${text}\n`).join(''))
    .digest('hex')

  const env = { NARWHAL_TOKEN: narwhal.token }
  const words = ['log', 'redact', job.id, '--step', 'leak']
  const { out, err, code } = await runCommand(narwhal.url, words, { env })
  assert.equal(code, 0, err)
  assert.match(out, new RegExp(`step leak of attempt 1: ${leaked.length} lines, SHA-256 ${sha256}`))

  assert.ok(!(await shownOf(narwhal, job.id)).includes(LEAK))
  const after: LogLine[] = []
  for await (const line of client.followLog(log, 0)) after.push(line)
  assert.deepEqual(
    after.map(({ number, step: one }) => [number, one]),
    all.map(({ number, step: one }) => [number, one]),
  )
  const rest = after.filter((line) => line.step === step)
  assert.match(rest[0]?.text ?? '', /^the text of this step was redacted by \w+ on 20.*T.*Z/)
  assert.ok(rest[0]?.text.includes(sha256))
  assert.ok(rest.slice(1).every(({ text }) => text === ''))
  const others = (lines: LogLine[]) => lines.filter((line) => line.step !== step)
  assert.deepEqual(others(after), others(all))

  const found = await client.getJob(job.id)
  assert.equal(found.outcome, 'failure')
  assert.equal(found.attempts[0]?.lines, all.length)
  assert.ok(found.attempts[0]?.redactedAt)
  const audit = await fetch(`${narwhal.url}/api/v1/audit?action=log.redacted`, {
    headers: bearer(narwhal.token),
  })
  const told = await audit.text()
  assert.ok(told.includes(sha256) && told.includes(job.id), told)
  assert.deepEqual(await filesWith(narwhal.dataDir, LEAK), [])

  const wrong = await runCommand(narwhal.url, ['log', 'redact', job.id, '--step', 'no'], { env })
  assert.match(wrong.err, /no such step/)
})

test('MSK-11: of a running job no more of it is stored or sent, and followers see the redaction', async () => {
  await using dir = await tempDir()
  const go = dir.join('go')
  const file = {
    jobs: {
      tells: {
        steps: [
          {
            name: 'leak',
            command: `${LEAKS}; while [ ! -e ${go} ]; do sleep 0.05; done; ${LEAKS}; ${LEAKS}`,
          },
          { name: 'after', command: 'echo all is well' },
        ],
      },
    },
  }
  await using source = await gitRepository({ files: { 'narwhal.yml': JSON.stringify(file) } })
  await using narwhal = await startUp({ executor: 'process:' })
  const { client } = narwhal
  const { forge } = await register(narwhal, source.path)
  const { id } = await client.startPipeline({ repository: forge.fullName })
  const job = await eventually(async () => (await client.getPipeline(id)).jobs[0] ?? null)
  const log = { jobId: job.id, attempt: 1 }
  await eventually(async () => (await shownOf(narwhal, job.id).catch(() => '')).includes(LEAK))
  const followed: LogLine[] = []
  const following = (async () => {
    for await (const line of client.followLog(log, 0)) followed.push(line)
  })()
  await eventually(() => followed.some(({ text }) => text === LEAK))
  await using live = await LiveTestClient.connect(narwhal.url, bearer(narwhal.token))
  live.ask({ type: 'subscribe', id: 'job', topic: { kind: 'pipeline', pipelineId: id } })
  live.ask({ type: 'subscribe', id: 'log', topic: { kind: 'log', jobId: job.id, attempt: 1 } })
  await eventually(() => live.has('log', 'subscribed') && live.has('job', 'subscribed'))

  // Short text is stored uncompressed.
  assert.notDeepEqual(await filesWith(narwhal.dataDir, LEAK), [])
  await client.call('redactLog', { params: { job: job.id, attempt: 1 }, body: {} })
  await eventually(() => followed.some(({ text }) => text.includes('was redacted by')))
  await eventually(() => JSON.stringify(live.heard).includes('"redactedAt"'))
  assert.ok(!(await shownOf(narwhal, job.id)).includes(LEAK))
  const seen = followed.filter(({ text }) => text === LEAK).length

  await writeFile(go, '')
  const [ended] = (await finished(narwhal, id)).jobs
  assert.equal(ended?.outcome, 'success')
  await following
  assert.equal(followed.filter(({ text }) => text === LEAK).length, seen)
  assert.ok(!JSON.stringify(live.heard).includes(LEAK))
  const lines = (await client.readLog(log, { from: 0, limit: 1000 })).lines
  assert.deepEqual(
    lines.map(({ number }) => number),
    lines.map((_, index) => index),
  )
  assert.equal(lines.length, ended?.attempts[0]?.lines)
  assert.ok(!(await shownOf(narwhal, job.id)).includes(LEAK))
  // A step that started later says so as well.
  const last = lines.findLast(({ text }) => text !== '')
  assert.match(last?.text ?? '', /was redacted/)
  await eventually(async () => (await filesWith(narwhal.dataDir, LEAK)).length === 0)
})
