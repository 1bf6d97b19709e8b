import { inspect } from 'node:util'

/** Lines of the runtime's own stack say nothing about a test. */
const INTERNAL = /^ +at .*\(?node:internal\//

/** An error as text: message (an assertion's has the diff), stack, and its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) {
    return typeof error === 'string' ? error : inspect(error)
  }
  const stack = error.stack ?? String(error)
  const parts = [
    stack
      .split('\n')
      .filter((line) => !INTERNAL.test(line))
      .join('\n'),
  ]
  if (error instanceof AggregateError) {
    for (const one of error.errors) parts.push(`one of: ${describeError(one)}`)
  }
  if (error.cause !== undefined) parts.push(`caused by: ${describeError(error.cause)}`)
  return parts.join('\n')
}
