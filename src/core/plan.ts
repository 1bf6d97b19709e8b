/**
 * What is to be run, after `narwhal.yml` has been read: plain data without defaults to guess.
 * A job is the unit given to one runner; its steps share a workspace and a sandbox.
 */
export interface StepSpec {
  /** Unique in its job. */
  readonly name: string
  /** A POSIX shell script; its first failing command ends it. */
  readonly command: string
  /** Packages that the step needs, installed with the image's package manager beforehand. */
  readonly dependencies: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface JobSpec {
  /** Unique in its pipeline. */
  readonly name: string
  /** A container image reference; absent: over the runner's own root file system, read-only. */
  readonly image?: string
  readonly env: Readonly<Record<string, string>>
  /** Names of the jobs that must succeed before this one starts. */
  readonly needs: readonly string[]
  /** Labels that the runner must have. */
  readonly labels: readonly string[]
  readonly steps: readonly StepSpec[]
}

export interface PipelinePlan {
  readonly name: string
  /** At least one, in the order of the file; `needs` form no cycle. */
  readonly jobs: readonly JobSpec[]
}

/** Something wrong in `narwhal.yml`, told so that it can be mended. Lines and columns count from 1. */
export interface Problem {
  readonly message: string
  readonly line: number
  readonly column: number
  /** The line of the file with a caret under the place; empty where there is none. */
  readonly excerpt: string
}
