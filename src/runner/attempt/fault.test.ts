import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { jobJson } from '../../../test/support/job-json.ts'
import { runnerByHand } from '../../../test/support/runner-by-hand.ts'
import { Fault } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { NarwhalError } from '../../lib/errors.ts'
import { faultOfCheckout } from './fault.ts'

test('an engine that is away, or fails in a step, is the fault of the runner', async () => {
  await using at = await runnerByHand()
  const errors = [new NarwhalError('unavailable', 'no engine'), new TypeError('a bug')]
  for (const [index, error] of errors.entries()) {
    at.executor.beforeOpen = () => Promise.reject(error)
    const attempt = at.begin(['one'], { jobId: `job_0${index}` })
    await attempt.untilFinished()
    assert.equal(attempt.words.at(-1), `finished error: ${error.message}`)
    assert.equal(attempt.fault, Fault.RUNNER)
  }
  at.executor.beforeOpen = async () => {}
  at.executor.onStep = (step) => step.fail(new NarwhalError('unavailable', 'the engine went away'))
  const attempt = at.begin(['one'])
  await attempt.untilFinished()
  assert.equal(attempt.fault, Fault.RUNNER)
})

test('what the job did, or asks for and can not be had, is not', async () => {
  await using at = await runnerByHand()
  const image = jobJson({ image: 'missing', steps: [{ command: 'one' }] })
  at.executor.beforeOpen = () => Promise.reject(new NarwhalError('not_found', 'no such image'))
  const missing = at.begin([], { job: image })
  await missing.untilFinished()
  at.executor.beforeOpen = async () => {}
  const commit = { ...at.commit, sha: 'ab'.repeat(20) }
  const lost = at.begin(['one'], { jobId: 'job_2', commit })
  await lost.untilFinished()
  at.executor.onStep = (step) => step.exit(1)
  const failed = at.begin(['one'], { jobId: 'job_3' })
  await failed.untilFinished()
  at.executor.onStep = (step) => step.fail(new NarwhalError('invalid', 'NUL in the environment'))
  const wrong = at.begin(['one'], { jobId: 'job_4' })
  await wrong.untilFinished()
  for (const attempt of [missing, lost, failed, wrong]) {
    assert.equal(attempt.fault, Fault.UNSPECIFIED, attempt.words.at(-1))
  }
})

test('a workspace that can not be made is the fault of the runner', async () => {
  await using at = await runnerByHand()
  const workspaces = join(at.runner.dataDir, 'workspaces')
  await rm(workspaces, { recursive: true })
  await writeFile(workspaces, 'in the way')
  const attempt = at.begin(['one'])
  await attempt.untilFinished()
  assert.match(attempt.words.at(-1) ?? '', /^finished error: the runner can't create a workspace/)
  assert.equal(attempt.fault, Fault.RUNNER)
  assert.match((await at.client.probe({})).trouble, /ENOTDIR|EEXIST/)
  await rm(workspaces)
})

test('of a commit that can not be had only the room, git itself and bugs are', () => {
  const system = (code: string, syscall = 'copyfile') =>
    Object.assign(new Error(`${code}: it failed`), { code, syscall })
  const wrapped = (cause: unknown, words = "can't check out acme/app") =>
    new NarwhalError('unavailable', words, { cause })
  for (const error of [
    new TypeError('a bug'),
    wrapped(new NarwhalError('internal', 'checked out another commit')),
    wrapped(system('ENOSPC')),
    wrapped(wrapped(system('ENOENT', 'spawn git'))),
    wrapped(undefined, 'git failed: fatal: sha1 file write error: No space left on device'),
    new NarwhalError('exhausted', "unable to write file big (the runner's disk has 0 MB left)"),
  ]) {
    assert.equal(faultOfCheckout(error), 'runner', error.message)
  }
  for (const error of [
    wrapped(undefined, 'Could not resolve host: git.example'),
    wrapped(system('ENOENT')),
    wrapped(undefined, "unable to create file x (the runner's disk has 4000 MB left)"),
    new NarwhalError('invalid', 'is not a clone URL'),
  ]) {
    assert.equal(faultOfCheckout(error), undefined, error.message)
  }
})

test('a probe runs a step in a sandbox, says what is wrong, and leaves nothing', async () => {
  await using at = await runnerByHand()
  at.executor.onStep = (step) => {
    assert.equal(step.script, 'true')
    step.exit(0)
  }
  assert.equal((await at.client.probe({})).trouble, '')
  assert.equal(at.executor.opened[0]?.image, undefined)
  at.executor.onStep = (step) => {
    void step.write('no shell here')
    step.exit(127)
  }
  assert.match((await at.client.probe({})).trouble, /exit code 127 in a sandbox: no shell here/)
  at.executor.beforeOpen = () => Promise.reject(new NarwhalError('unavailable', 'no engine'))
  const both = await Promise.all([at.client.probe({}), at.client.probe({})])
  assert.deepEqual(
    both.map(({ trouble }) => trouble),
    ['no engine', 'no engine'],
  )
  assert.equal(at.executor.opened.length, 3)
  assert.equal(at.executor.disposed, 2)
  await eventually(async () => (await at.workspaces()).length === 0)
})
