import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { createToken } from '../../src/api/auth/tokens.ts'
import { listAudit } from '../../src/cli/audit/audit-client.ts'
import { ChainCheck } from '../../src/contract/rest/audit-chain.ts'
import { AUDIT_ACTIONS } from '../../src/core/audit/audit-actions.ts'
import { FORGES, hasWebhooks } from '../../src/core/forges.ts'
import { type AuditedNarwhal, leaveAsRunner, openAudited } from '../support/audited-narwhal.ts'
import { eventually } from '../support/eventually.ts'
import { filesWith } from '../support/files-with.ts'
import { type GitRepository, gitRepository } from '../support/git-repository.ts'
import { deliver, pullRequestPayload } from '../support/github.ts'
import { finished, pipelineOf, register } from '../support/installation.ts'
import { bearer } from '../support/tokens.ts'

/** Part of every value that must not appear anywhere. */
const CANARY = 'canary-4f1d9b-nowhere'
/**
 * The same, except for the database: a reason is visible to all, and what dialled runners are sent is stored
 * as it is.
 */
const OTHER = 'canary-77b3e0-not-told'

/** Changing routes without an entry: a commit event is kept, with the delivery that told of it. */
const WITHOUT = FORGES.filter(hasWebhooks).flatMap((forge) => [
  `POST /webhooks/${forge}`,
  `POST /webhooks/${forge}/{repository}`,
])

const FILE = JSON.stringify({
  jobs: {
    uses: { secrets: ['DEPLOY_KEY'], steps: [{ name: 'one', command: 'print hello' }] },
    fails: { steps: [{ name: 'one', command: 'exit 1' }] },
    slow: { when: { event: 'manual' }, steps: [{ name: 'one', command: 'sleep 60000' }] },
  },
})

suite('the audit log', () => {
  let narwhal: AuditedNarwhal
  let entries: AuditedNarwhal['entries']
  let ask: AuditedNarwhal['ask']
  let source: GitRepository
  const own = (): string => encodeURIComponent('ada/audited')

  before(async () => {
    source = await gitRepository({ files: { 'narwhal.yml': FILE } })
    narwhal = await openAudited()
    ;({ entries, ask } = narwhal)
  })

  after(async () => {
    await narwhal[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  })

  /** From the OpenAPI document. */
  async function changingRoutes(): Promise<string[]> {
    const headers = bearer(narwhal.token)
    const answer = await fetch(`${narwhal.url}/api/v1/openapi.json`, { headers })
    const { paths } = (await answer.json()) as { paths: Record<string, object> }
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'get')
        .map((method) => `${method.toUpperCase()} ${path}`),
    )
  }

  test('AUD-06: each change of users, tokens and sessions has one entry, with its author', async () => {
    const user = { user: 'grace' }
    await ask('POST /api/v1/users', 'user.added', {}, { body: { name: 'grace', role: 'viewer' } })
    const changed = await ask('PATCH /api/v1/users/{user}', 'user.role_changed', user, {
      body: { role: 'member' },
    })
    assert.deepEqual(changed.entry.before, { role: 'viewer' })
    assert.deepEqual(changed.entry.after, { role: 'member' })
    const made = await ask(
      'POST /api/v1/tokens',
      'token.created',
      {},
      {
        body: { name: 'laptop', user: 'grace' },
      },
    )
    const { id, token } = made.answer as unknown as { id: string; token: string }
    const signedIn = await ask(
      'POST /api/v1/session',
      'session.started',
      {},
      {
        body: { token },
        cookie: 'none=1',
        actor: 'grace',
      },
    )
    const { cookie } = signedIn
    await ask('DELETE /api/v1/session', 'session.ended', {}, { cookie, actor: 'grace' })
    await ask('DELETE /api/v1/tokens/{token}', 'token.removed', { token: id })
    const routes = await changingRoutes()
    if (routes.includes('POST /api/v1/session/links')) {
      await ask('POST /api/v1/session/links', 'sign_in_link.created')
    }
    if (routes.includes('POST /api/v1/tokens/revoke')) {
      const found = await narwhal.client.createToken({ name: 'found', user: 'grace' })
      const value = { body: { value: found.token } }
      await ask('POST /api/v1/tokens/revoke', 'token.removed', {}, value)
    }
    await ask('DELETE /api/v1/users/{user}', 'user.removed', user)
    assert.doesNotMatch(JSON.stringify(await entries()), new RegExp(token.slice(8)))
  })

  test('AUD-07: each change of repositories, their secrets and status reports has one entry', async () => {
    const body = { name: 'ada/audited', cloneUrl: source.path, forge: 'github', pollIntervalMs: 0 }
    const added = await ask('POST /api/v1/repositories', 'repository.added', {}, { body })
    assert.deepEqual(added.entry.after, { forge: 'github', host: 'local', pollIntervalMs: 0 })
    const at = { repository: own(), secret: 'DEPLOY_KEY' }
    await ask('PATCH /api/v1/repositories/{repository}', 'repository.changed', at, {
      body: { strangerAccounts: [7] },
    })
    const value = { body: { value: `${CANARY}-secret` } }
    const scope = '/api/v1/repositories/{repository}'
    await ask(`PUT ${scope}/secrets/{secret}`, 'secret.set', at, value)
    const again = await ask(`PUT ${scope}/secrets/{secret}`, 'secret.set', at, value)
    assert.equal(again.entry.after?.['isNew'], false)
    await ask(`DELETE ${scope}/secrets/{secret}`, 'secret.removed', at)
    await ask('PUT /api/v1/secrets/{secret}', 'secret.set', at, value)
    await ask(`PUT ${scope}/retention`, 'repository.changed', at, {
      body: { logs: 'forever', pipelines: '90d' },
    })
    await ask(`POST ${scope}/webhook-secret`, 'webhook_secret.replaced', at)
    await ask(`POST ${scope}/deploy-key`, 'deploy_key.made', at)
    await ask(`POST ${scope}/test-delivery`, 'webhook.tested', at, {
      body: { url: `${narwhal.url}/webhooks/github` },
    })
    await ask(`PUT ${scope}/forge-link`, 'forge_link.set', at, {
      body: {
        forge: 'github',
        apiUrl: 'https://forge.example.com/api/v3',
        project: 'ada/audited',
        token: `${CANARY}-token`,
        isUnchecked: true,
      },
    })
    const unlinked = await ask(`DELETE ${scope}/forge-link`, 'forge_link.removed', at)
    assert.equal(unlinked.entry.before?.['host'], 'forge.example.com')
  })

  test('AUD-08: starts, reruns, cancellations and approvals have an entry with author and commit', async () => {
    const start = await ask(
      'POST /api/v1/pipelines',
      'pipeline.started',
      {},
      {
        body: { repository: 'ada/audited', ref: 'main' },
      },
    )
    const { pipeline } = start.answer as unknown as { pipeline: { id: `pipeline_${string}` } }
    const at = { pipeline: pipeline.id }
    const jobs = await eventually(async () => {
      const found = await narwhal.client.getPipeline(pipeline.id)
      return found.jobs.some(({ status }) => status === 'running') ? found.jobs : null
    })
    assert.equal(start.entry.after?.['sha'], await source.head())
    await ask('POST /api/v1/pipelines/{pipeline}/cancel', 'pipeline.cancelled', at, {
      body: { reason: OTHER },
    })
    const job = (name: string) => jobs.find((one) => one.name === name)?.id ?? ''
    await ask('POST /api/v1/jobs/{job}/rerun', 'job.rerun', { job: job('slow') })
    await ask('POST /api/v1/jobs/{job}/cancel', 'job.cancelled', { job: job('slow') })
    await ask('POST /api/v1/jobs/{job}/rerun', 'job.rerun', { job: job('fails') })
    await finished(narwhal, pipeline.id)
    await ask('POST /api/v1/pipelines/{pipeline}/rerun-failed', 'pipeline.jobs_rerun', at)
    await ask('POST /api/v1/pipelines/{pipeline}/rerun', 'pipeline.started', at)
    const hold = { until: Date.now() + 86_400_000, because: 'a reason' }
    await ask('PUT /api/v1/pipelines/{pipeline}/hold', 'pipeline.held', at, { body: hold })
    await ask('DELETE /api/v1/pipelines/{pipeline}/hold', 'pipeline.held', at)
    const redact = 'POST /api/v1/jobs/{job}/attempts/{attempt}/log/redact'
    const log = { job: job('fails'), attempt: '1' }
    await ask(redact, 'log.redacted', log, { body: { step: 'one' } })

    const forge = await register(narwhal, source.path, { name: 'ada/strange' })
    await narwhal.client.setSecret('DEPLOY_KEY', { value: `${CANARY}-own` }, 'ada/strange')
    const pull = async (number: number) => {
      const sha = await source.commit({ 'narwhal.yml': FILE, stamp: `pull ${number}` })
      await source.git('update-ref', `refs/pull/${number}/head`, sha)
      const payload = pullRequestPayload(forge.forge, { number, sha, headRepositoryId: 999 })
      const { secret } = forge
      const told = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
      const { id } = await pipelineOf(narwhal, told.body.eventId)
      await eventually(async () => {
        const { pipeline: one } = await narwhal.client.getPipeline(id)
        return one.approval?.status === 'needed'
      })
      return { sha, id }
    }
    const first = await pull(5)
    const route = 'POST /api/v1/pipelines/{pipeline}/approve'
    const { sha } = first
    const one = await ask(route, 'pipeline.approved', { pipeline: first.id }, { body: { sha } })
    assert.equal(one.entry.after?.['sha'], sha)
    const second = await pull(6)
    const approvals = [{ pipeline: second.id, sha: second.sha }]
    const body = { approvals }
    const many = await ask('POST /api/v1/approvals', 'pipeline.approved', {}, { body })
    assert.equal(many.entry.after?.['sha'], second.sha)
  })

  test('AUD-09: each change of runners, join tokens and keys has one entry', async () => {
    const body = { labels: ['far'] }
    const made = await ask('POST /api/v1/runners/tokens', 'join_token.created', {}, { body })
    const { id, token } = made.answer as unknown as { id: string; token: string }
    const join = { name: 'far', labels: ['far'], token }
    const joined = await ask(
      'POST /api/v1/runners/join',
      'runner.joined',
      {},
      {
        body: join,
        actor: 'far',
      },
    )
    assert.equal(joined.entry.actor.kind, 'runner')
    assert.equal(joined.entry.after?.['joinToken'], id)
    await leaveAsRunner(narwhal)
    const other = await ask('POST /api/v1/runners/tokens', 'join_token.created', {}, { body: {} })
    const { id: unused } = other.answer as unknown as { id: string }
    await ask('DELETE /api/v1/runners/tokens/{token}', 'join_token.removed', { token: unused })
    const url = 'http://127.0.0.1:1'
    await ask(
      'POST /api/v1/runners',
      'runner.registered',
      {},
      {
        body: { name: 'dialled', url, token: `${OTHER}-${createToken()}` },
      },
    )
    const at = { runner: 'dialled' }
    await ask('POST /api/v1/runners/{runner}/drain', 'runner.changed', at)
    await ask('POST /api/v1/runners/{runner}/resume', 'runner.changed', at)
    await ask('DELETE /api/v1/runners/{runner}', 'runner.removed', at)
    await ask('POST /api/v1/id-tokens/rotate', 'id_token_key.made', {}, { body: { now: true } })
    await ask('DELETE /api/v1/secrets/{secret}', 'secret.removed', { secret: 'DEPLOY_KEY' })
    await ask('DELETE /api/v1/repositories/{repository}', 'repository.removed', {
      repository: own(),
    })
  })

  test('AUD-10: every changing route of the OpenAPI document was tested, or has a reason', async () => {
    const changing = await changingRoutes()
    assert.ok(changing.length > 30)
    const known = [...narwhal.asked, ...WITHOUT]
    assert.deepEqual(changing.toSorted(), [...new Set(known)].toSorted())
  })

  test('AUD-11: no value of a secret or token is in the audit log, its export, Narwhal’s own log or the database', async () => {
    const all = await entries()
    assert.ok(all.length > 30)
    assert.doesNotMatch(JSON.stringify(all), new RegExp(CANARY))
    assert.doesNotMatch(narwhal.said(), new RegExp(CANARY))
    assert.doesNotMatch(JSON.stringify(all), new RegExp(OTHER))
    assert.deepEqual(await filesWith(narwhal.dataDir, CANARY), [])
  })

  test('AUD-12: the entries form a chain without gaps', async () => {
    const check = new ChainCheck({ seq: 0, hash: '' })
    for (const entry of await entries()) assert.equal(check.next(entry), undefined)
    assert.ok(check.seq > 30)
  })

  test('SEC-28: the audit log can list by a secret’s name which jobs on which runners had it', async () => {
    const { signal } = new AbortController()
    const address = { server: narwhal.url, token: narwhal.token }
    const query = { secret: 'DEPLOY_KEY', action: 'job.given_secrets' } as const
    const given = await eventually(async () => {
      const { entries: found } = await listAudit(address, query, signal)
      const isStrangers = found.filter(({ after }) => after?.['isStranger'] === true)
      return isStrangers.length === 2 && found.length > 2 ? found : null
    })
    for (const { actor, after, subject } of given) {
      assert.equal(actor.kind, 'system')
      assert.equal(subject.kind, 'job')
      assert.deepEqual(after?.['secrets'], ['DEPLOY_KEY'])
      assert.ok(after?.['runner'] && after['runnerId'] && after['sha'] && after['attempt'])
    }
  })

  test('AUD-13: nobody but an administrator reads the audit log, however its path is written', async () => {
    const member = await narwhal.client.addUser({ name: 'mary', role: 'member' })
    const { token } = await narwhal.client.createToken({ name: 'laptop', user: member.name })
    for (const path of [
      '/api/v1/audit',
      '/api/v1/audit/head',
      '/api/v1/audit/lines',
      '/%61pi/v1/audit',
      '/api/v1/%61udit/lines',
      '/api/v1/audit?limit=1',
    ]) {
      const { status } = await fetch(`${narwhal.url}${path}`, { headers: bearer(token) })
      assert.equal(status, 403, path)
      assert.equal((await fetch(`${narwhal.url}${path}`)).status, 401, path)
      const own = await fetch(`${narwhal.url}${path}`, { headers: bearer(narwhal.token) })
      assert.equal(own.status, 200, path)
      await own.body?.cancel()
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const headers = bearer(narwhal.token)
      const { status } = await fetch(`${narwhal.url}/api/v1/audit`, { method, headers })
      assert.equal(status, 404, 'nothing changes it')
    }
  })

  test('AUD-14: the manual names every action', async () => {
    const manual = await readFile(new URL('../../docs/manual/audit.md', import.meta.url), 'utf8')
    for (const action of Object.keys(AUDIT_ACTIONS)) {
      assert.ok(manual.includes(`\`${action}\``), action)
    }
  })
})
