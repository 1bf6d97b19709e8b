import type { ImageRun } from '../../core/attempt/image-run.ts'
import type { ContainerWay } from '../../core/container-way.ts'
import type { Engine } from '../../core/placement/placement.ts'
import type { ImagePull } from '../../core/plan/image-pull.ts'
import type { ServiceSpec } from '../../core/plan/plan.ts'
import type { ContainerTree } from './oci/trees/container-tree.ts'
import type { SandboxShell } from './sandbox-shell.ts'
import type { Workspace } from './workspace.ts'

/** What a sandbox is for and what it may use. */
export interface SandboxSpec {
  /** Identifies the attempt in labels and messages, such as `job_01jd…/1`. */
  readonly name: string
  /** The clone URL of the commit's repository; absent for trials, which have none. */
  readonly source?: string
  /** A container image reference; absent: over the runner's own root file system, read-only. */
  readonly image?: string
  /** Of all images; absent: those that are missing. */
  readonly pull?: ImagePull
  /** Its logins to registries, in the form of Docker's `config.json`; absent: the operator's, or none. */
  readonly registryLogin?: string
  /** Empty, or with the checkout; the working directory of every step. */
  readonly workspace: Workspace
  readonly limits: SandboxLimits
  /** Whether it runs code that is not proven to come from the repository's own people. */
  readonly isStranger: boolean
  /** No network but its own loopback, or, with services, the job's network. */
  readonly network?: 'none'
  /** Further images, which steps name. */
  readonly images?: readonly string[]
  /** Containers that run next to the steps: ready when `open` resolves, and removed with the sandbox. */
  readonly services?: readonly ServiceSpec[]
  /** Receives the events of services, by index in `services`; may apply back-pressure to output. */
  readonly onService?: (index: number, event: ServiceEvent) => void | Promise<void>
  /** Receives lines for the job's log while the sandbox is being opened, such as how far a pull is. */
  readonly onProgress?: (line: string) => void
}

/** Events of a service, in this order. If it ends with its sandbox, no `ended` is sent. */
export type ServiceEvent =
  | { readonly type: 'started' }
  | { readonly type: 'output'; readonly stream: OutputStream; readonly chunk: Uint8Array }
  /** It did not become ready; `open` rejects. */
  | { readonly type: 'failed'; readonly reason: string }
  /** It ended by itself. */
  | { readonly type: 'ended'; readonly exit: StepExit }

export interface SandboxLimits {
  readonly memoryBytes: number
  /** May be fractional. */
  readonly cpus: number
  readonly processes: number
  /** Limit for workspace, home, temporary folders and the container's own layer. Absent: unlimited. */
  readonly diskBytes?: number
}

/** What a sandbox has written. */
export interface DiskUse {
  readonly bytes: number
  /** Its largest folders, by their paths in the job. */
  readonly largest: readonly { readonly path: string; readonly bytes: number }[]
}

/** How to measure a sandbox's disk usage. */
export interface SandboxDisk {
  /** Folders of this machine, on whose file systems everything is that it writes. */
  readonly folders: readonly string[]
  /** Slow, and reads a lot; rejects with the signal's reason, or with `unavailable`. */
  measure(signal: AbortSignal): Promise<DiskUse>
}

/** One script to run in a sandbox. */
export interface SandboxStep {
  /** A POSIX shell script, run with `set -e`. */
  readonly script: string
  /**
   * The whole environment apart from the sandbox's own: PATH, HOME and the like, and what the image sets.
   * Names match `[A-Za-z_][A-Za-z0-9_]*`; values contain no NUL character.
   */
  readonly env: Readonly<Record<string, string>>
  /** The packages that the script installs, if it does nothing else. */
  readonly installs?: readonly string[]
  /** One of the spec's `images`, instead of its `image`. */
  readonly image?: string
  /**
   * If set, standard error is the same pipe as standard output, so that everything is delivered in the order in
   * which it was written, as `stdout`. Otherwise only each stream is in order.
   */
  readonly interleaved?: true
  /**
   * If set, other steps may start and end while it runs. When `end` aborts, its processes get SIGTERM; how
   * long they may take is up to the caller.
   */
  readonly background?: { readonly end: AbortSignal }
  /** When it aborts, or has aborted already, a step that is aborted gets no time to clean up. */
  readonly atOnce?: AbortSignal
}

export type OutputStream = 'stdout' | 'stderr'

/**
 * Receives the output of each stream in order. The chunk may be reused once the listener returns: copy what
 * is kept. A slow listener returns a promise: the stream is not read until it resolves, so that the writer
 * blocks as on a slow terminal.
 */
export type OutputListener = (stream: OutputStream, chunk: Uint8Array) => void | Promise<void>

/** How a script ended. A non-zero code is a result, never an exception. */
export interface StepExit {
  /** 0 to 255; for a process killed by signal n, 128 + n. */
  readonly exitCode: number
  /** What the exit code does not tell, in plain text: "out of memory: the limit is 2 GiB". */
  readonly note?: string
}

/** Identifies a sandbox's processes; plain data, so that another process can kill them. */
export type SandboxHandle =
  | {
      readonly kind: 'container'
      /** The engine's address, as for `parseEngineAddress`. */
      readonly host: string
      /** The container of the steps. */
      readonly id: string
      /** Those of its services and other images; absent: none. */
      readonly others?: readonly string[]
      /** Whether the main container may be removed; else it is only killed, and its disposal removes it. */
      readonly remove: boolean
    }
  /** All processes in these control groups, by their folders. */
  | { readonly kind: 'groups'; readonly folders: readonly string[] }
  /** All processes of these containers of this machine, which no control group holds. */
  | { readonly kind: 'trees'; readonly trees: readonly ContainerTree[] }
  /** All processes of this machine with this mark (see process-search.ts) and their descendants. */
  | { readonly kind: 'processes'; readonly mark: string }

/**
 * A file of one sandbox, empty at first, outside the workspace: steps can write to it as any user, but can't
 * replace it. What they write is visible to the runner before anything that they print afterwards.
 */
export interface MaskFile {
  /** Path for the steps. */
  readonly path: string
  /** The runner's view of it, from now on; throws if it can't be opened. */
  readonly open: () => MaskFileView
}

export interface MaskFileView extends Disposable {
  /**
   * The first `maxBytes` bytes of the file and its size; undefined while it is empty, if it has not changed
   * since the last call, and after disposal. Never blocks; takes about a microsecond without a change.
   */
  look(maxBytes: number): { readonly bytes: Uint8Array; readonly size: number } | undefined
}

/**
 * Texts from the runner that steps can read as any user, and can't change where there is isolation. Outside
 * the workspace, and removed with the sandbox.
 */
export interface SandboxFiles {
  /** Path for the steps of the text with this name, which is that of a variable. */
  pathOf(name: string): string
  /** Replaces the text atomically: readers see the old or the new one, whole. */
  put(name: string, text: string): Promise<void>
}

export interface ArchiveOptions {
  /** Limit for the sum of its files' sizes; a sparse file counts at its full size. */
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Called for each matching pipe, socket or device, which are not archived. */
  readonly onLeftOut?: (path: string) => void
}

/** A prepared place, now assigned to one job. */
export interface TakenSandbox {
  /** Empty; the sandbox uses it, the caller removes its folder. */
  readonly workspace: Workspace
  /** As `Executor.open`, with this workspace; a place that is no longer usable is replaced. */
  open(signal: AbortSignal): Promise<Sandbox>
}

/**
 * Runs the steps of jobs.
 *
 * - `open` prepares a place for one job, isolated from every other job. It rejects with a NarwhalError:
 *   `invalid` when the image reference is malformed or the executor does not support what the spec asks for,
 *   `not_found` when the image can't be pulled, `unavailable` when the engine is down; the message is shown
 *   to the user.
 * - Disposing an executor ends and removes all its sandboxes.
 */
export interface Executor extends AsyncDisposable {
  /** The engines that sandboxes can be opened with now; changes when a container engine starts or stops. */
  readonly engines: readonly Engine[]
  /** How it starts containers itself; absent if it doesn't. */
  readonly containers?: ContainerWay | undefined
  open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox>
  /**
   * Takes a place that was prepared for such a job, if there is one, and counts the demand for more; never
   * waits and never throws. The caller opens it at once. Absent if nothing is prepared ahead.
   */
  take?(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined
  /** Empty when sandboxes can be opened; else what is wrong and what to do, as a message. */
  probe(): Promise<string>
}

/**
 * A place for one job, never shared.
 *
 * - `run` runs one script after another in the workspace, each in a process of its own: standard input
 *   closed, and exactly the given environment. It resolves once the script has ended and its output has been
 *   delivered, even if it left processes in the background; whether those survive into the next step depends
 *   on the engine. Calls never overlap, except for steps in the background; one of those may be killed
 *   together with another step that is aborted, and then ends with 137.
 * - When the signal aborts, the processes of the step are asked to end (SIGTERM), those that are left after the
 *   time that is configured for that are killed, and `run` rejects with the signal's reason; what they print
 *   meanwhile is delivered. The sandbox can run further steps. Failures of the environment (the engine is down, a variable can't be
 *   set, …) reject with a NarwhalError.
 * - `read` returns the content of a regular file, read with the permissions of the steps and never with the
 *   runner's: a link leads where it would lead them. The path is relative to the workspace, without `..`, or
 *   absolute as the steps see it. Undefined if there is no such file, which takes no process if the runner
 *   can see that itself. Rejects with `too_large` above `maxBytes`, `conflict` for anything but a regular
 *   file (reading a pipe would block for ever), `forbidden` if the steps may not read it, `invalid` for a
 *   malformed path, otherwise as `run` does. It counts as a step: it may overlap with steps in the
 *   background, never with another. It works until the disposal, so also after the last step.
 * - `archive` returns a tar archive (POSIX, with pax headers) of everything in the workspace that matches the
 *   patterns (core/plan/glob.ts), sorted by the bytes of its paths: the same files make the same archive. It
 *   is made with the permissions of the steps, lazily, at the pace of its reader; returning early ends it,
 *   and so does the signal. Files keep their permissions (without set-user-id and the like), whole seconds of
 *   their times, and hard links among each other; owners are 0 without names; holes and extended attributes
 *   are lost. Folders are included if they match themselves, also empty ones. Links are stored as links and
 *   never followed, by patterns neither; `.git` is never included. It throws at the first `next` or later,
 *   and what was read so far must then be discarded: `invalid` for malformed patterns and for names that are
 *   not UTF-8, `too_large` for more than `maxBytes` or too many files to examine, `forbidden` for what the
 *   steps may not read, `conflict` if a file changed meanwhile, otherwise as `run` does. It counts as a step,
 *   like `read`.
 * - `pause` freezes everything in the sandbox until `resume`: once it has resolved, no instruction of a job
 *   is executed, and a `run` that is called meanwhile starts at the `resume`. Both may be called at any time,
 *   between steps as well and repeatedly; the last call counts. They reject with `unavailable` if the engine
 *   fails to do it; then the sandbox must be disposed of. Aborting and disposing work in a paused sandbox as
 *   usual.
 * - `handle` identifies what another process has to kill, so that nothing of the sandbox survives. Absent if
 *   everything runs in this process.
 * - `keepUntil` sets the deadline of the sandbox, as a value of this process's `performance.now()`; a later
 *   call moves it. The deadline is enforced by another process (see watched-executor.ts), so that it holds
 *   even if this one is frozen, and a little early. A sandbox that missed it is over for good: `run`, `pause`
 *   and `resume` reject with `unavailable`, including a `run` in flight, since how it ended means nothing.
 *   Without a call there is no deadline, and none applies while the sandbox is paused: the last one applies
 *   again from `resume` on, so move it first. Absent if nobody enforces it.
 * - Disposal kills what still runs and removes everything the sandbox brought along: containers, networks,
 *   volumes, and what the steps wrote into the workspace as another user, so that the runner can remove the
 *   folder. It may be called at any time, and repeatedly.
 */
export interface Sandbox extends AsyncDisposable {
  /** Path of the workspace for the steps. */
  readonly workspace: string
  /** For the job's log, before the first step: that it has no network, and why. */
  readonly notes?: readonly string[] | undefined
  /** Absent if there are no files. */
  readonly maskFile?: MaskFile | undefined
  /** Absent if there are no files. */
  readonly files?: SandboxFiles | undefined
  run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit>
  read(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined>
  archive(
    patterns: readonly string[],
    options: ArchiveOptions,
  ): AsyncGenerator<Uint8Array, void, undefined>
  pause(): Promise<void>
  resume(): Promise<void>
  /** An interactive shell in the sandbox, with this environment. Absent if not supported. */
  readonly shell?: ((step: Pick<SandboxStep, 'env' | 'image'>) => Promise<SandboxShell>) | undefined
  readonly handle?: SandboxHandle
  /** Of its containers, each name once; absent if there are none. */
  readonly images?: readonly ImageRun[]
  /** Absent if nothing is written. */
  readonly disk?: SandboxDisk | undefined
  keepUntil?(atMs: number): void
}
