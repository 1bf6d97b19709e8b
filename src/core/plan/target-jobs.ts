/** What a pull request's target branch would run, beside what a stranger's own file asks for. */
export interface TargetJobs {
  /** Whether a pipeline that went well has shown less than the target's file asks for. First, for the store. */
  readonly isShort: boolean
  /** The names of jobs that the target's file has run and the stranger's has not. */
  readonly missing: readonly string[]
  /** Jobs that may fail by the target's own file. */
  readonly mayFail: readonly string[]
  /** Jobs that have failed and may, by the stranger's file alone. */
  readonly failed: readonly string[]
  /** The target's file would have run nothing either. */
  readonly runsNothing: boolean
}

/** What is known when the stranger's file was planned; `ended`: once the pipeline has ended. */
export function targetJobs(
  told: Pick<TargetJobs, 'missing' | 'mayFail' | 'runsNothing'>,
  ended: { readonly isSkipped: boolean; readonly failed: readonly string[] },
): TargetJobs {
  const failed = ended.failed.filter((name) => !told.mayFail.includes(name))
  const isEmpty = ended.isSkipped && !told.runsNothing
  return {
    isShort: told.missing.length > 0 || failed.length > 0 || isEmpty,
    missing: told.missing,
    mayFail: told.mayFail,
    failed,
    runsNothing: told.runsNothing,
  }
}
