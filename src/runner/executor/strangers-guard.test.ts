import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Engine } from '../../core/placement/placement.ts'
import type { Executor, SandboxSpec } from './executor.ts'
import { FakeExecutor } from './fake/fake.ts'
import { StrangersGuard } from './strangers-guard.ts'
import { folderWorkspace } from './workspace.ts'

function having(engines: readonly Engine[]): Executor {
  return Object.assign(new FakeExecutor() as Executor, { engines })
}

const spec = (isStranger: boolean): SandboxSpec => ({
  name: 'job_guard/1',
  workspace: folderWorkspace('/nowhere'),
  limits: { memoryBytes: 1, cpus: 1, processes: 1 },
  isStranger,
})

const NOTHING = new AbortController().signal

test('opens nothing for a stranger that the operator has not named, and anything for others', async () => {
  const refused: readonly [readonly Engine[], readonly ('oci' | 'docker')[], string][] = [
    [['bubblewrap'], ['oci', 'docker'], 'oci:,docker:, and it has bubblewrap'],
    [['process'], ['oci', 'docker'], 'oci:,docker:, and it has process'],
    [['docker', 'bubblewrap'], ['oci'], 'oci:, and it has docker and bubblewrap'],
    [['docker'], [], 'none, and it has docker'],
    [['fake'], [], 'none, and it has fake'],
  ]
  for (const [has, named, words] of refused) {
    await using guard = new StrangersGuard(having(has), named)
    assert.deepEqual(guard.strangerEngines, [])
    await assert.rejects(guard.open(spec(true), NOTHING), {
      code: 'invalid',
      message: `this runner takes no strangers' jobs: its --strangers names ${words}`,
    })
    assert.equal(guard.take(spec(true)), undefined)
    await using _own = await guard.open(spec(false), NOTHING)
  }
})

test('tells which of its engines strangers may have', async () => {
  await using guard = new StrangersGuard(having(['docker', 'bubblewrap']), ['oci', 'docker'])
  assert.deepEqual(guard.strangerEngines, ['docker'])
  await using _theirs = await guard.open(spec(true), NOTHING)
})
