import { type TestContext, test } from 'node:test'
import { skipDistributed, startDistributed } from './support/distributed.ts'
import { importTestImage, withoutContainers } from './support/imported-image.ts'
import { startUp } from './support/installation.ts'
import { openLocalScenarios } from './support/local-scenario.ts'
import {
  listScenarios,
  openScenarios,
  type Scenario,
  type ScenarioStage,
} from './support/scenario.ts'
import { testService } from './support/services.ts'
import { tempDir } from './support/temp-dir.ts'

const scenarios = await listScenarios()

/** Runs some of them, a few at a time. */
async function runAll(
  t: TestContext,
  stage: ScenarioStage,
  which: (expected: Scenario['expected']) => boolean,
): Promise<void> {
  const chosen = scenarios.filter(({ expected }) => which(expected))
  await Promise.all(chosen.map((one) => t.test(one.name, () => stage.run(one))))
}

/** There are many of them. */
const options = { concurrency: 3, timeout: 300_000 }

test('scenarios, on four processes with RabbitMQ, PostgreSQL and Docker', {
  ...options,
  skip: skipDistributed(),
}, async (t) => {
  await using installation = await startDistributed()
  await using stage = await openScenarios(installation)
  await runAll(t, stage, ({ fakeOnly }) => !fakeOnly)
})

test('scenarios, as narwhal run has them, with Docker', {
  ...options,
  skip: testService('docker').skip,
}, async (t) => {
  await using stage = await openLocalScenarios(`docker:${testService('docker').url}`)
  // There it is Ctrl-C that cancels, and then nobody is left to see it.
  await runAll(t, stage, ({ fakeOnly, cancelWhenRunning }) => !fakeOnly && !cancelWhenRunning)
})

test('scenarios, in one process, with containers without an engine', {
  ...options,
  skip: await withoutContainers(),
}, async (t) => {
  await using data = await tempDir()
  await importTestImage(data.path)
  await using installation = await startUp({ executor: 'oci:', data: data.path, maxAttempts: '1' })
  await using stage = await openScenarios(installation)
  await runAll(t, stage, ({ fakeOnly }) => !fakeOnly)
})

test('scenarios that only the fake engine can play, in one process', async (t) => {
  await using installation = await startUp()
  await using stage = await openScenarios(installation)
  await runAll(t, stage, ({ fakeOnly }) => fakeOnly)
})
