import type { Concurrency } from '../concurrency/concurrency.ts'
import type { Expression } from '../expression/syntax.ts'
import type { IdTokenSpec } from '../id-token/id-token.ts'
import type { Outcome } from '../outcome.ts'
import type { Shell } from './shell.ts'

/** On what outcome of the things before it something runs; absent: when all went well. */
export type RunsOn = 'failure' | 'always'

/** What must be true of the outputs of the jobs that a job needs, once they have ended. */
export interface OnlyIf {
  /** As the file says it, for people. */
  readonly text: string
  /** Its names are outputs of jobs that are needed: `needs.JOB.outputs.NAME`. */
  readonly expression: Expression
}

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
  /** As of a job. */
  readonly envOfNeeds?: Readonly<Record<string, string>>
  /** Relative to the workspace, without `..`. */
  readonly workingDirectory?: string
  /** What reads the command; absent: `sh`. */
  readonly shell?: Shell
  /** The step ends in `timeout` after so many milliseconds; each try has its own. */
  readonly timeoutMs?: number
  /** How often it is tried again when it does not succeed. */
  readonly retries?: number
  readonly runsOn?: RunsOn
  /** Where it runs in place of the job's image, in the same workspace and network. */
  readonly image?: string
  /** The job goes on beside it, and ends it when the other steps are over. */
  readonly background?: true
  /** Its failure or time-out ends neither the job nor says anything about it. */
  readonly allowFailure?: true
}

/** How often, and after which outcomes, a job is tried again. */
export interface JobRetry {
  readonly count: number
  readonly on: readonly Outcome[]
}

/** What a job may use at most; what is absent is as the runner has it. */
export interface JobResources {
  /** Processors, may be fractional. */
  readonly cpus?: number
  readonly memoryBytes?: number
}

/** A container beside a job, reachable by its name from the job's steps, and gone with the job. */
export interface ServiceSpec {
  /** Unique in its job; a host name. */
  readonly name: string
  readonly image: string
  readonly env: Readonly<Record<string, string>>
  /** The words behind the image's entry point; absent: the image's own. */
  readonly command?: readonly string[]
  /** When the steps may start; absent: once the container runs. */
  readonly ready?: ReadyCheck
}

/** What must hold within `timeoutMs` milliseconds of a service's start. */
export type ReadyCheck = { readonly timeoutMs: number } & (
  | {
      /** A script for the service's own shell that ends with 0. */
      readonly command: string
    }
  | {
      /** TCP ports on all of which it listens; at least one. */
      readonly ports: readonly number[]
    }
)

/** What of a repository comes into the workspace. */
export interface CloneSpec {
  /** So many commits of the history and no tags; absent: all of both. */
  readonly depth?: number
  readonly submodules?: true
  /** The files that Git LFS keeps. */
  readonly lfs?: true
}

export interface JobSpec {
  /** Unique in its pipeline. */
  readonly name: string
  /** A container image reference; absent: over the runner's own root file system, read-only. */
  readonly image?: string
  readonly env: Readonly<Record<string, string>>
  /** The names of the secrets that every step is given, by the variables that it finds them in. */
  readonly secrets?: Readonly<Record<string, string>>
  /** The tokens that say outside who the job is, by the variables that its steps find them in. */
  readonly idTokens?: Readonly<Record<string, IdTokenSpec>>
  /** Names of the jobs that must succeed before this one starts. */
  readonly needs: readonly string[]
  /** Labels that the runner must have. */
  readonly labels: readonly string[]
  readonly steps: readonly StepSpec[]
  /** Milliseconds; the operator's limit holds besides. */
  readonly timeoutMs?: number
  /** Larger goes first; absent: 0. */
  readonly priority?: number
  /** Its failure or time-out says nothing about the pipeline, and what needs it goes on. */
  readonly allowFailure?: true
  readonly retry?: JobRetry
  readonly runsOn?: RunsOn
  /** Absent: whatever they have told. */
  readonly onlyIf?: OnlyIf
  /** Those of its `needs` without which it is run as well, where they turn out not to be run. */
  readonly optional?: readonly string[]
  readonly resources?: JobResources
  /** Its steps reach nothing but the job's own services; absent: what the runner reaches. */
  readonly network?: 'none'
  readonly services?: readonly ServiceSpec[]
  /** How the commit comes into the workspace: not at all, or so; absent: whole, and nothing else. */
  readonly clone?: 'none' | CloneSpec
  /** The names of what it tells the jobs that need it. */
  readonly outputs?: readonly string[]
  /** Variables whose value names outputs of jobs that it needs; filled in when it is handed to a runner. */
  readonly envOfNeeds?: Readonly<Record<string, string>>
  /** The group of jobs of which only so many run at once. */
  readonly concurrency?: Concurrency
  /** Why the job is shown, but not run for this commit; such a job needs nothing, and none needs it. */
  readonly leftOut?: string
}

/** What runs for a job and has a log: a step or a service. */
export interface JobPart {
  readonly name: string
  /** It runs beside the steps after it, which don't wait for it. */
  readonly beside?: true
}

/**
 * What the events and the log of a job's attempt speak of by number, from 0: the steps, and behind
 * them the services.
 */
export function partsOf({ steps, services = [] }: Pick<JobSpec, 'steps' | 'services'>): JobPart[] {
  return [
    ...steps.map(
      ({ name, background }): JobPart => ({
        name,
        ...(background ? { beside: true } : {}),
      }),
    ),
    ...services.map(({ name }): JobPart => ({ name: `service ${name}`, beside: true })),
  ]
}

/** Whether only a runner with a container engine can run the job. */
export function needsContainers({ image, services = [], steps }: JobSpec): boolean {
  return (
    image !== undefined || services.length > 0 || steps.some((step) => step.image !== undefined)
  )
}

/** A file that a plan was made of, besides `narwhal.yml`. */
export interface IncludedSource {
  /** `ci/lint.yml`, or `owner/name@ref:path`. */
  readonly source: string
  /** The commit that it is from; empty where it is of none. */
  readonly sha: string
  /** SHA-256 of its text, hexadecimal. */
  readonly digest: string
}

export interface PipelinePlan {
  readonly name: string
  /** At least one, in the order of the file; `needs` form no cycle. */
  readonly jobs: readonly JobSpec[]
  /** The group of pipelines of which only so many go on at once. */
  readonly concurrency?: Concurrency
  /** What it was made of besides `narwhal.yml`; absent: nothing. */
  readonly included?: readonly IncludedSource[]
}

/** Something wrong in `narwhal.yml`, told so that it can be mended. Lines and columns count from 1. */
export interface Problem {
  readonly message: string
  /** The included file that it is in; absent: `narwhal.yml` itself. */
  readonly file?: string
  readonly line: number
  readonly column: number
  /** The line of the file with a caret under the place; empty where there is none. */
  readonly excerpt: string
}
