import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findProgram } from '../support/services/programs.ts'
import { testService } from '../support/services.ts'
import { reportText } from './report-text.ts'
import { HEALED, runFaults } from './run-faults.ts'

/** The run starts servers of its own, since it breaks them. */
function skipReason(): string | false {
  for (const name of ['postgres', 'rabbitmq'] as const) {
    const { skip } = testService(name)
    if (skip) return skip
  }
  const missing = ['initdb', 'rabbitmq-server'].find((program) => !findProgram(program))
  return missing ? `${missing} is not installed` : false
}

const FAULTS_MS = 90_000
const QUIESCENCE_MS = 60_000
/** Other tests run at the same time: starting a dozen processes may take a while. */
const PATIENCE_MS = 240_000

const skip = skipReason()

test('a whole Narwhal of many processes keeps its promises while they are killed', {
  skip,
  timeout: PATIENCE_MS,
}, async (t) => {
  const said: string[] = []
  const healed = Promise.withResolvers<void>()
  const running = runFaults({
    seed: 1,
    durationMs: FAULTS_MS,
    quiescenceMs: QUIESCENCE_MS,
    meanGapMs: 2_500,
    maxOpenPipelines: 3,
    say: (line) => {
      said.push(line)
      if (line === HEALED) healed.resolve()
    },
    signal: t.signal,
  })
  // A sign of life in between, for those who wait.
  await t.test('until it is healed', () => Promise.race([healed.promise, running]).then(() => {}))
  const report = await running
  const text = [...said, reportText(report)].join('\n')
  t.diagnostic(text)
  assert.ok(report.acked > 0 && report.kills > 0, text)
  assert.equal(report.breaches.length, 0, text)
})
