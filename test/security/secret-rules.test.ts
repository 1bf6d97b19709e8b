import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import { runCommand } from '../support/cli/run-command.ts'
import { eventually } from '../support/eventually.ts'
import { type GitRepository, gitRepository } from '../support/git-repository.ts'
import { deliver, pullRequestPayload } from '../support/github.ts'
import {
  finished,
  type Installation,
  logText,
  pipelineOf,
  register,
  startUp,
} from '../support/installation.ts'
import { bearer } from '../support/tokens.ts'

const DAY_MS = 86_400_000
const CANARY = 'canary-of-rules-3b7d'

const FILE = JSON.stringify({
  jobs: {
    shows: {
      secrets: { WHO: 'DEPLOY_USER', KEY: 'DEPLOY_KEY' },
      steps: [{ name: 'show', command: 'echo "as $WHO by $KEY"' }],
    },
    plain: { steps: [{ name: 'plain', command: 'echo plain' }] },
  },
})

suite('what holds for a secret', () => {
  let source: GitRepository
  let narwhal: Awaited<ReturnType<typeof startUp>>
  let repository: Awaited<ReturnType<typeof register>>
  const name = 'ada/shop'

  before(async () => {
    source = await gitRepository({ files: { 'narwhal.yml': FILE } })
    narwhal = await startUp({ executor: 'process:' })
    repository = await register(narwhal, source.path, { name })
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  async function cli(line: string | string[], input = '') {
    const now = () => Date.now()
    const env = { NARWHAL_TOKEN: narwhal.token }
    return await runCommand(narwhal.url, line, { env, input, now })
  }

  async function build(): Promise<PipelineWithJobs> {
    const { id } = await narwhal.client.startPipeline({ repository: name })
    return await finished(narwhal, id)
  }

  const jobOf = ({ jobs }: PipelineWithJobs, wanted = 'shows') => {
    const job = jobs.find((one) => one.name === wanted)
    assert.ok(job)
    return job
  }

  async function whole(job: { id: `job_${string}` }): Promise<string> {
    const page = await narwhal.client.readLog({ jobId: job.id, attempt: 1 }, { from: 0, limit: 99 })
    return page.lines.map(({ text }) => text).join('\n')
  }

  test('MSK-15: a value that is common in logs is reported when it is set, and an unmasked one appears in the log and the audit', async () => {
    const warned = {
      docker: /common word/,
      'ada/shop': /name of the repository/,
      Shop: /name of the repository/,
      'x7-4': /fewer than 8 characters/,
    }
    for (const [value, words] of Object.entries(warned)) {
      const { err, code } = await cli(`secret set SOME --repository ${name}`, value)
      assert.equal(code, 0)
      assert.match(err, words)
      assert.ok(!err.includes(`"${value}"`))
    }
    assert.equal((await cli(`secret set SOME --repository ${name}`, CANARY)).err, '')
    const set = ['secret', 'set', 'DEPLOY_USER', '--repository', name, '--not-masked']
    assert.equal((await cli(set, 'deploy')).err, '')
    await narwhal.client.setSecret('DEPLOY_KEY', { value: CANARY }, name)
    const job = jobOf(await build())
    assert.match(await logText(narwhal, job), /as deploy by \*\*\*/)
    assert.match(await whole(job), /logs show WHO: set with --not-masked/)
    assert.match((await cli(`secret list --repository ${name}`)).out, /DEPLOY_USER .* not masked/)
    const told = await auditOf(narwhal, 'secret.set')
    const [shown, masked] = ['DEPLOY_USER', 'DEPLOY_KEY'].map((one) =>
      told.find(({ subject }) => subject.name === one),
    )
    assert.equal(shown?.after?.['isMasked'], false)
    assert.equal(masked?.after?.['isMasked'], true)
    assert.ok(!JSON.stringify(told).includes(CANARY))
  })

  test('MSK-16: an expiring secret is warned about, and not used after its expiry', async () => {
    const set = (expiresAt: number) =>
      narwhal.client.setSecret('DEPLOY_KEY', { value: CANARY, expiresAt }, name)
    await set(Date.now() + 20 * DAY_MS)
    const early = jobOf(await build())
    assert.ok(!(await whole(early)).includes('DEPLOY_KEY ends'))
    assert.equal((await cli(`secret list --repository ${name}`)).err, '')

    const line = `secret set DEPLOY_KEY --repository ${name} --expires 13d`
    assert.equal((await cli(line, CANARY)).code, 0)
    const soon = jobOf(await build())
    assert.equal(soon.outcome, 'success')
    assert.match(await whole(soon), /the secret DEPLOY_KEY expires on 20\d\d-\d\d-\d\dT\d\d:\d\dZ/)
    assert.match((await cli(`secret list --repository ${name}`)).err, /DEPLOY_KEY expires on 20/)

    assert.match((await cli(line.replace('13d', '2020-01-01'), CANARY)).err, /is in the past/)
    await assert.rejects(set(Date.now() - 1), /would have expired already/)
    const end = Date.now() + 300
    await set(end)
    await eventually(() => Date.now() > end)
    const late = jobOf(await build())
    assert.equal(late.outcome, 'error')
    assert.match(
      late.reason ?? '',
      /^the secret DEPLOY_KEY expired on 20\S+: set it again with `narwhal secret set DEPLOY_KEY --repository ada\/shop`/,
    )
    assert.deepEqual(late.attempts, [])
  })

  test('MSK-17: why a job does not get a secret is reported before it runs, and by `secret explain`', async () => {
    await narwhal.client.removeSecret('DEPLOY_KEY', name)
    await narwhal.client.setSecret('DEPLOYKEY', { value: CANARY }, name)
    const missing = await build()
    assert.match(
      jobOf(missing).reason ?? '',
      /^the secret DEPLOY_KEY is not set: did you mean DEPLOYKEY\?$/,
    )
    const explain = async (one: string, pipeline: string) =>
      await cli(`secret explain ${one} --pipeline ${pipeline}`)
    const { id } = missing.pipeline
    const unset = await explain('DEPLOY_KEY', id)
    assert.match(unset.err, /DEPLOY_KEY is set neither .*did you mean DEPLOYKEY\?/)
    assert.match(unset.out, /shows +no +the secret is not set/)
    assert.match(unset.out, /plain +no +the job doesn't name it/)
    const { number } = missing.pipeline
    const set = await explain('DEPLOY_USER', `${name}#${number}`)
    assert.match(set.out, /shows +yes +WHO/)

    await narwhal.client.setSecret('DEPLOY_KEY', { value: CANARY }, name)
    const sha = await source.commit({ 'narwhal.yml': FILE, stamp: 'pull' })
    await source.git('update-ref', 'refs/pull/3/head', sha)
    const payload = pullRequestPayload(repository.forge, { number: 3, sha, headRepositoryId: 99 })
    const { secret } = repository
    const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
    const pull = await pipelineOf(narwhal, body.eventId)
    await eventually(async () => {
      const { out } = await explain('DEPLOY_KEY', pull.id)
      assert.match(out, /shows +no +the pipeline is a stranger's and not approved/)
    })
    await narwhal.client.cancelPipeline(pull.id)

    await narwhal.client.setSecret('DEPLOY_KEY', { value: CANARY, runners: ['label:none'] }, name)
    const kept = await explain('DEPLOY_KEY', id)
    assert.match(kept.err, /only for label:none/)
    assert.match(kept.out, /shows +no +no registered runner may get it/)
    const nothing = await explain('DEPLOY_KEY', 'pipeline_0')
    assert.match(nothing.err, /there is no pipeline/)
  })

  test('MSK-18: parts too short to be masked by themselves are counted in the log, once, without their text', async () => {
    const account = JSON.stringify({ id: 'acct-7', region: 'eu', key: `long-${CANARY}`, n: 5 })
    const again = { value: account, runners: ['all'] }
    await narwhal.client.setSecret('DEPLOY_KEY', again, name)
    const user = { value: `user-${CANARY}\nab12\n{\n-----END X-----\n` }
    await narwhal.client.setSecret('DEPLOY_USER', user, name)
    const log = await whole(jobOf(await build()))
    assert.equal(log.match(/not masked where they stand alone/g)?.length, 1)
    assert.match(log, /alone: a short part of WHO, 2 short parts of KEY/)
    assert.ok(!log.includes('acct-7') && !log.includes(CANARY))
  })
})

interface Entry {
  readonly subject: { readonly name: string }
  readonly after?: Readonly<Record<string, unknown>>
}

/** Newest first. */
async function auditOf({ url, token }: Installation, action: string): Promise<Entry[]> {
  const answer = await fetch(`${url}/api/v1/audit?action=${action}`, { headers: bearer(token) })
  const { entries } = (await answer.json()) as { entries: Entry[] }
  return entries
}
