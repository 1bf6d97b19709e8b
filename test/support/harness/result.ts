export interface TestResult {
  /** The names of its suites and its own, outermost first. */
  readonly path: readonly string[]
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** A failure's error as text, with its diff, stack and causes. */
  readonly error?: string
  /** Why it was skipped; may be empty. */
  readonly reason?: string
}

export interface FileResult {
  readonly file: string
  readonly tests: readonly TestResult[]
  readonly durationMs: number
  readonly output: string
}

export function countOutcomes(files: readonly FileResult[]): Record<TestResult['outcome'], number> {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { tests } of files) for (const { outcome } of tests) counts[outcome]++
  return counts
}
