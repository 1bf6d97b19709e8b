import { test } from 'node:test'
import { skipDistributed, startDistributed } from './support/distributed.ts'
import { startUp } from './support/installation.ts'
import { runScenarioLocally } from './support/local-scenario.ts'
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

test('scenarios, as narwhal run has them', async (t) => {
  for (const scenario of await listScenarios()) {
    // There it is Ctrl-C that cancels, and then nobody is left to see it.
    if (scenario.expected.cancelWhenRunning) continue
    await t.test(scenario.name, () => runScenarioLocally(scenario))
  }
})
