import { test } from 'node:test'
import { skipDistributed, startDistributed } from './support/distributed.ts'
import { startUp } from './support/installation.ts'
import { listScenarios, runScenario } from './support/scenario.ts'

test('scenarios, on a whole Narwhal in one process', async (t) => {
  await using installation = await startUp()
  for (const scenario of await listScenarios()) {
    await t.test(scenario.name, () => runScenario(installation, scenario))
  }
})

const skip = skipDistributed()

test('scenarios, on four processes with RabbitMQ, PostgreSQL and Docker', { skip }, async (t) => {
  await using installation = await startDistributed()
  for (const scenario of await listScenarios()) {
    if (!scenario.expected.distributed) continue
    await t.test(scenario.name, () => runScenario(installation, scenario))
  }
})
