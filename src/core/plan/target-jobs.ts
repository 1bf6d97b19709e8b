/** What the target branch's file would run, compared to the file of a stranger's pull request. */
export interface TargetJobs {
  /** Whether a successful pipeline ran less than the target's file asks for. First, for the store. */
  readonly isShort: boolean
  /** Jobs that the target's file runs and the stranger's doesn't. */
  readonly missing: readonly string[]
  /** Jobs that may fail by the target's file. */
  readonly mayFail: readonly string[]
  /** Jobs that failed and may do so by the stranger's file only. */
  readonly failed: readonly string[]
  /** The target's file would run nothing either. */
  readonly runsNothing: boolean
}

/** `planned`: known since planning; `ended`: known once the pipeline has finished. */
export function targetJobs(
  planned: Pick<TargetJobs, 'missing' | 'mayFail' | 'runsNothing'>,
  ended: { readonly isSkipped: boolean; readonly failed: readonly string[] },
): TargetJobs {
  const { missing, mayFail, runsNothing } = planned
  const failed = ended.failed.filter((name) => !mayFail.includes(name))
  const isEmpty = ended.isSkipped && !runsNothing
  const isShort = missing.length > 0 || failed.length > 0 || isEmpty
  return { isShort, missing, mayFail, failed, runsNothing }
}
