import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aJob, anAttempt } from '../pipeline/fixtures.ts'
import type { Outputs } from '../plan/outputs.ts'
import { resolveOutputs } from './resolve-outputs.ts'

function told(name: string, outputs: Outputs, attempt = 1) {
  const end = { outcome: 'success', finishedAt: 9 } as const
  const former = anAttempt(
    { number: 1 },
    { status: 'finished', ...end, outputs: { version: 'old' } },
  )
  const last = anAttempt({ number: attempt }, { status: 'finished', ...end, outputs })
  return aJob(
    { name },
    {
      state: { status: 'finished', attempt, ...end },
      attempts: attempt === 1 ? [last] : [former, last],
    },
  )
}

const VERSION = '$' + '{needs.build.outputs.version}'

function needy(needs: string[]) {
  const step = { name: 's', command: 'true', dependencies: [], env: { A: '1' } }
  return aJob({
    name: 'deploy',
    needs,
    env: { CI: 'yes' },
    envOfNeeds: { WHAT: `v${VERSION}` },
    steps: [{ ...step, envOfNeeds: { ALSO: VERSION } }],
  }).spec
}

test('what a needed job has told is in the environment of the job and of its steps', () => {
  const { env, steps, ...rest } = resolveOutputs(needy(['build']), [
    told('build', { version: '2' }),
  ])
  assert.deepEqual(env, { CI: 'yes', WHAT: 'v2' })
  assert.deepEqual(steps[0]?.env, { A: '1', ALSO: '2' })
  assert.ok(!('envOfNeeds' in rest) && !('envOfNeeds' in (steps[0] ?? {})))
})

test('the attempt that counts has told it, not a former one', () => {
  const again = told('build', { version: '3' }, 2)
  assert.equal(resolveOutputs(needy(['build']), [again]).env['WHAT'], 'v3')
})

test('a job that was left out, that told nothing or that is not needed has told the empty text', () => {
  const silent = aJob({ name: 'build' })
  assert.equal(resolveOutputs(needy(['build']), [silent]).env['WHAT'], 'v')
  assert.equal(resolveOutputs(needy(['build']), []).env['WHAT'], 'v')
  assert.equal(resolveOutputs(needy([]), [told('build', { version: '2' })]).env['WHAT'], 'v')
})
