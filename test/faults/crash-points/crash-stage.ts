import type { Registered } from '../../support/installation.ts'
import type { FinalPipeline } from '../evidence.ts'
import type { CrashPlan, RestartedProcess } from './restarted-process.ts'
import type { Addresses } from './scenario.ts'

/** Which database, and with it which broker and which processes. */
export type StageKind = 'sqlite' | 'postgres'

/**
 * A kind of installation, prepared: a repository is registered, and all that outlasts a run stands.
 * One run at a time is opened on it, each with a database of its own.
 */
export interface CrashStage extends AsyncDisposable {
  /** The processes that may be killed, by the names of their commands. */
  readonly roles: readonly string[]
  readonly repository: Registered
  /** The commit that is pushed. */
  readonly sha: string
  open(role: string, plan: CrashPlan): Promise<CrashRun>
}

export interface CrashRun extends AsyncDisposable {
  readonly addresses: Addresses
  /** The process that has the plan. */
  readonly victim: RestartedProcess
  /** All that its processes have said. */
  readonly said: () => string
  /** Kills all processes, and reads what is left. */
  readEnd(): Promise<End>
}

/** What is left when all processes are gone. */
export interface End {
  readonly pipelines: readonly FinalPipeline[]
  /** Events without a pipeline. */
  readonly pendingEvents: number
  /** What the database says of itself; `ok` if all is well. */
  readonly integrity: string
}
