import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { testService } from '../../support/services.ts'
import { reportText } from '../report-text.ts'
import { BUGS } from './bugs.ts'
import { openPlantedCompiler, type PlantedCompiler } from './planted-compiler.ts'
import { AT_ONCE } from './run-all.ts'
import { runPlanted } from './run-planted.ts'

const skip = testService('postgres').skip || testService('rabbitmq').skip

/** Other tests run at the same time. */
const PATIENCE_MS = 300_000

/** Of all together. */
const timeout = 4 * PATIENCE_MS

suite('the fault harness catches known mistakes', { concurrency: AT_ONCE, skip, timeout }, () => {
  let compiler: PlantedCompiler
  before(async () => {
    compiler = await openPlantedCompiler()
  })
  after(() => compiler[Symbol.asyncDispose]())
  for (const bug of BUGS) {
    test(`${bug.name}: ${bug.mistake}`, { timeout: PATIENCE_MS }, async (t) => {
      const said: string[] = []
      const say = (line: string) => void said.push(line)
      const { caughtBy, seconds, report } = await runPlanted(bug, {
        compiler,
        seed: 1,
        say,
        signal: t.signal,
      })
      t.diagnostic(`caught by ${caughtBy.join(', ')} after ${seconds.toFixed(0)} s`)
      assert.ok(caughtBy.length > 0, [...said, reportText(report)].join('\n'))
    })
  }
})
