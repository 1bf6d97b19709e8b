import { present } from '../../lib/present.ts'
import type { Concurrency } from '../concurrency/concurrency.ts'
import type { Selection } from '../event-actions.ts'
import type { Expression } from '../expression/syntax.ts'
import type { IdTokenSpec } from '../id-token/id-token.ts'
import type { Outcome } from '../outcome.ts'
import type { ImagePull } from './image-pull.ts'
import type { Shell } from './shell.ts'

/** On what outcome of the jobs or steps before it something runs; absent: on success. */
export type RunsOn = 'failure' | 'always'

/** A condition on the outputs of a job's needs, evaluated once they have finished. */
export interface OnlyIf {
  /** As written in the file. */
  readonly text: string
  /** All its names are outputs of needed jobs: `needs.JOB.outputs.NAME`. */
  readonly expression: Expression
}

/**
 * What to run, after `narwhal.yml` has been parsed: plain data with all defaults applied. A job is the unit
 * given to one runner; its steps share a workspace and a sandbox.
 */
export interface StepSpec {
  /** Unique in its job. */
  readonly name: string
  /** A script; its first failing command ends it. */
  readonly command: string
  /** Packages to install with the image's package manager beforehand. */
  readonly dependencies: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** As for a job. */
  readonly envOfNeeds?: Readonly<Record<string, string>>
  /** Relative to the workspace, without `..`. */
  readonly workingDirectory?: string
  /** Absent: `sh`. */
  readonly shell?: Shell
  /** Milliseconds until the step ends in `timeout`; applies to each try. */
  readonly timeoutMs?: number
  /** How often it is retried if it does not succeed. */
  readonly retries?: number
  readonly runsOn?: RunsOn
  /** Replaces the job's image; same workspace and network. */
  readonly image?: string
  /** The job continues concurrently, and ends it when the other steps have finished. */
  readonly background?: true
  /** Its failure or timeout neither ends the job nor changes its outcome. */
  readonly allowFailure?: true
}

/** How often, and after which outcomes, a job is retried. */
export interface JobRetry {
  readonly count: number
  readonly on: readonly Outcome[]
}

/** Limits of a job; absent: the runner's defaults. */
export interface JobResources {
  /** Processors; may be fractional. */
  readonly cpus?: number
  readonly memoryBytes?: number
}

/** A container that runs next to a job's steps, reachable from them by its name, and removed with the job. */
export interface ServiceSpec {
  /** Unique in its job; a host name. */
  readonly name: string
  readonly image: string
  readonly env: Readonly<Record<string, string>>
  /** Arguments to the image's entry point; absent: the image's own. */
  readonly command?: readonly string[]
  /** When steps may start; absent: once the container runs. */
  readonly ready?: ReadyCheck
}

/** The condition that must hold within `timeoutMs` of a service's start. */
export type ReadyCheck = { readonly timeoutMs: number } & (
  | {
      /** A script for the service's own shell; succeeds with exit code 0. */
      readonly command: string
    }
  | {
      /** TCP ports that must all accept connections; at least one. */
      readonly ports: readonly number[]
    }
)

/** What of a repository is cloned into the workspace. */
export interface CloneSpec {
  /** At most N commits of history and no tags; absent: all of both. */
  readonly depth?: number
  readonly submodules?: true
  /** Download files from Git LFS. */
  readonly lfs?: true
}

export interface JobSpec {
  /** Unique in its pipeline. */
  readonly name: string
  /** A container image reference; absent: over the runner's own root file system, read-only. */
  readonly image?: string
  /** Of all its images; absent: those that are missing. */
  readonly pull?: Exclude<ImagePull, 'missing'>
  readonly env: Readonly<Record<string, string>>
  /** Names of secrets by the variables that every step gets them in, but for that of `REGISTRY_LOGIN`. */
  readonly secrets?: Readonly<Record<string, string>>
  /** Id tokens by the variables that every step gets them in. */
  readonly idTokens?: Readonly<Record<string, IdTokenSpec>>
  readonly needs: readonly string[]
  readonly labels: readonly string[]
  readonly steps: readonly StepSpec[]
  /** Milliseconds; the operator's limit applies as well. */
  readonly timeoutMs?: number
  /** Higher first; absent: 0. */
  readonly priority?: number
  /** Its failure or timeout does not change the pipeline's outcome, and its dependents continue. */
  readonly allowFailure?: true
  readonly retry?: JobRetry
  readonly runsOn?: RunsOn
  /** Absent: regardless of outputs. */
  readonly onlyIf?: OnlyIf
  /** The needs that may be left out without skipping it. */
  readonly optional?: readonly string[]
  readonly resources?: JobResources
  /** Steps can reach only the job's own services; absent: what the runner allows. */
  readonly network?: 'none'
  readonly services?: readonly ServiceSpec[]
  /**
   * How the commit is cloned into the workspace, if at all; absent: full history, without submodules and LFS.
   */
  readonly clone?: 'none' | CloneSpec
  /** The names of its declared outputs. */
  readonly outputs?: readonly string[]
  /** Variables that reference outputs of needed jobs; filled in when it is dispatched. */
  readonly envOfNeeds?: Readonly<Record<string, string>>
  readonly concurrency?: Concurrency
  /** Why the job is listed but not run for this commit; such a job has no needs, and none needs it. */
  readonly leftOut?: string
}

/** A step or a service: whatever runs for a job and has a log. */
export interface JobPart {
  readonly name: string
  /** It runs concurrently with the steps after it. */
  readonly beside?: true
}

/** What the events and the log of an attempt refer to by index: the steps, then the services. */
export function partsOf({ steps, services = [] }: Pick<JobSpec, 'steps' | 'services'>): JobPart[] {
  return [
    ...steps.map(({ name, background }): JobPart => ({ name, ...present({ beside: background }) })),
    ...services.map(({ name }): JobPart => ({ name: `service ${name}`, beside: true })),
  ]
}

export function needsContainers({ image, services = [], steps }: JobSpec): boolean {
  return (
    image !== undefined || services.length > 0 || steps.some((step) => step.image !== undefined)
  )
}

/** A file besides `narwhal.yml` that a plan was made from. */
export interface IncludedSource {
  /** `ci/lint.yml`, or `owner/name@ref:path`. */
  readonly source: string
  /** Its commit; empty if there is none. */
  readonly sha: string
  readonly digest: string
}

export interface PipelinePlan {
  readonly name: string
  /** At least one, in the order of the file; `needs` is acyclic. */
  readonly jobs: readonly JobSpec[]
  readonly concurrency?: Concurrency
  readonly included?: readonly IncludedSource[]
  /** Of an event that is only built on request: what of the file is for it. */
  readonly selection?: Selection
}

/** An error in `narwhal.yml`. Lines and columns count from 1. */
export interface Problem {
  readonly message: string
  /** The included file; absent: `narwhal.yml` itself. */
  readonly file?: string
  readonly line: number
  readonly column: number
  /** The line with a caret below the position; may be empty. */
  readonly excerpt: string
}
