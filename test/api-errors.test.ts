import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorBody } from '../src/contract/rest/rest.ts'
import { asker, JSON_TYPE } from './support/asker.ts'
import { startUp } from './support/installation.ts'
import { bearer } from './support/tokens.ts'

test('every error has the one form, with words', async () => {
  await using narwhal = await startUp()
  const ask = asker(narwhal)
  const expect = async (call: string, status: number, code: string, body?: unknown) => {
    const answer = await ask(call, status, errorBody, body)
    assert.equal(answer.code, code, call)
    assert.ok(answer.message.length > 5, call)
    return answer
  }
  for (const call of [
    'GET /nothing',
    'PUT /pipelines',
    'GET /pipelines/pipeline_1',
    'GET /jobs/job_1',
    'GET /jobs/job_1/attempts',
    'GET /jobs/job_1/attempts/1',
    'GET /jobs/job_1/attempts/1/log',
    'GET /jobs/job_1/attempts/1/log.txt',
    'GET /jobs/job_1/attempts/1/log/follow',
    'GET /repositories/no%2Fbody',
    'GET /pipelines?repository=no/body',
    'GET /runners/nobody',
    'GET /runners/nobody/samples',
    'POST /pipelines/pipeline_1/rerun',
    'POST /pipelines/pipeline_1/cancel',
    'POST /jobs/job_1/rerun',
    'POST /jobs/job_1/cancel',
    'POST /runners/nobody/drain',
    'DELETE /runners/nobody',
    'DELETE /repositories/nobody',
    'DELETE /tokens/token_1',
  ]) {
    await expect(call, 404, 'not_found')
  }
  for (const call of [
    'GET /pipelines/1',
    'GET /jobs/../1',
    'GET /pipelines?limit=0',
    'GET /pipelines?limit=501',
    'GET /pipelines?status=done',
    'GET /jobs/job_1/attempts/0',
    'GET /jobs/job_1/attempts/x/log',
    'GET /jobs/job_1/attempts/1/log?from=-1',
    'DELETE /tokens/x',
  ].filter((call) => !call.includes('..'))) {
    const { problems } = await expect(call, 400, 'invalid')
    assert.ok((problems?.length ?? 0) > 0, call)
  }
  const { problems } = await expect('POST /repositories', 400, 'invalid', { name: 'a b', more: 1 })
  assert.ok((problems?.length ?? 0) >= 3, JSON.stringify(problems))
  await expect('POST /tokens', 400, 'invalid', {})
  await expect('POST /runners', 400, 'invalid', { name: 'x', url: 'ftp://x' })
  await expect('POST /pipelines', 404, 'not_found', { repository: 'no/body' })
  const send = (body: string, headers: Record<string, string> = JSON_TYPE): Promise<Response> =>
    fetch(`${narwhal.url}/api/v1/pipelines`, {
      method: 'POST',
      headers: { ...bearer(narwhal.token), ...headers },
      body,
    })
  for (const [response, status] of [
    [await send('{"a":'), 400],
    [await send(''), 400],
    [await send('x=1', { 'content-type': 'application/x-www-form-urlencoded' }), 415],
    [await send(`"${'x'.repeat(1024 * 1024)}"`), 413],
  ] as const) {
    assert.equal(response.status, status)
    errorBody.parse(await response.json())
  }
})
