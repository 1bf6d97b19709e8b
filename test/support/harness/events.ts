import type { TestEvent } from 'node:test/reporters'
import { describeError } from './describe-error.ts'
import type { TestResult } from './result.ts'

/**
 * A reporter for node:test that runs inside the process of a test file, where errors are still complete. It
 * writes one TestResult as JSON on each line.
 */
async function* writeEvents(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = []
  for await (const event of source) {
    if (event.type === 'test:start') names[event.data.nesting] = event.data.name
    const result = toResult(event, names)
    if (result) yield `${JSON.stringify(result)}\n`
  }
}

// oxlint-disable-next-line import/no-default-export -- Node requires this of a reporter
export default writeEvents

/** Suites, and tests that failed only because of a test in them, are not counted. */
function toResult(event: TestEvent, names: readonly string[]): TestResult | undefined {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return undefined
  const { data } = event
  const path = names.slice(0, data.nesting + 1)
  if (data.skip !== undefined || data.todo !== undefined) {
    const reason = data.skip ?? data.todo
    return { path, outcome: 'skipped', reason: typeof reason === 'string' ? reason : '' }
  }
  if (event.type === 'test:fail') {
    const { error } = event.data.details
    if ('failureType' in error && error.failureType === 'subtestsFailed') return undefined
    return { path, outcome: 'failed', error: describeError(error.cause ?? error) }
  }
  return data.details.type === 'suite' ? undefined : { path, outcome: 'passed' }
}
