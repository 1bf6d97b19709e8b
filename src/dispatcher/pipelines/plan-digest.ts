import { createHash } from 'node:crypto'
import type { IncludedSource, JobSpec } from '../../core/plan/plan.ts'

/** What is approved besides the commit: everything that is run, and the files it was planned from. */
export function planDigest(plan: {
  readonly jobs: readonly JobSpec[]
  readonly included?: readonly IncludedSource[]
}): string {
  const text = JSON.stringify([plan.jobs, plan.included ?? []])
  return createHash('sha256').update(text).digest('hex')
}
