import type { SandboxShell } from '../executor/sandbox-shell.ts'

/** The sandbox of a job that has failed, as its step left it. */
export interface FailedSandbox {
  readonly job: string
  readonly step: string
  /** A shell in it, with the step's environment. */
  readonly shell: () => Promise<SandboxShell>
}

/** Keeps a sandbox: it is torn down when the promise settles. */
export type KeepFailed = (failed: FailedSandbox) => Promise<void>
