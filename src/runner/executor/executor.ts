import type { ImageRun } from '../../core/attempt/image-run.ts'
import type { Engine } from '../../core/placement/placement.ts'
import type { ServiceSpec } from '../../core/plan/plan.ts'
import type { SandboxShell } from './sandbox-shell.ts'
import type { Workspace } from './workspace.ts'

/** What a sandbox is for and what it may use. */
export interface SandboxSpec {
  /** Names the attempt for labels and messages, such as `job_01jd…/1`. */
  readonly name: string
  /** The clone URL of the commit's repository; absent: it has none, as a trial. */
  readonly source?: string
  /** A container image reference; absent: over the runner's own root file system, read-only. */
  readonly image?: string
  /** Empty or with the checkout; the working directory of every step. */
  readonly workspace: Workspace
  readonly limits: SandboxLimits
  /** Whether it runs code that is not proven to be of the repository's own people. */
  readonly isStranger: boolean
  /** Without a network but its own loopback, or, with services, that of the job. */
  readonly network?: 'none'
  /** The images that steps name besides. */
  readonly images?: readonly string[]
  /** What runs beside the steps: each is ready when the sandbox is open, and ends with it. */
  readonly services?: readonly ServiceSpec[]
  /** Hears of each service by its place in `services`; output as an OutputListener would. */
  readonly onService?: (index: number, event: ServiceEvent) => void | Promise<void>
}

/** What happens to a service, in this order. Of one that is ended with its sandbox no end is told. */
export type ServiceEvent =
  | { readonly type: 'started' }
  | { readonly type: 'output'; readonly stream: OutputStream; readonly chunk: Uint8Array }
  /** It did not get ready; the opening rejects. */
  | { readonly type: 'failed'; readonly reason: string }
  /** It has ended by itself. */
  | { readonly type: 'ended'; readonly exit: StepExit }

export interface SandboxLimits {
  readonly memoryBytes: number
  /** Processors, may be fractional. */
  readonly cpus: number
  readonly processes: number
  /** What it may have on the disk: workspace, home, temporary folders, the container's own layer. Absent: anything. */
  readonly diskBytes?: number
}

/** What a sandbox has written. */
export interface DiskUse {
  readonly bytes: number
  /** Its largest folders, by the job's own names. */
  readonly largest: readonly { readonly path: string; readonly bytes: number }[]
}

/** How to find out what a sandbox takes of the disk. */
export interface SandboxDisk {
  /** Folders of this machine; on their file systems is all that it writes. */
  readonly folders: readonly string[]
  /** Takes a while, and reads much; rejects with the signal's reason, or NarwhalError `unavailable`. */
  measure(signal: AbortSignal): Promise<DiskUse>
}

/** One script to run in a sandbox. */
export interface SandboxStep {
  /** A POSIX shell script; the first command that fails ends it (`set -e`). */
  readonly script: string
  /**
   * The whole environment besides the sandbox's own: PATH, HOME and the like, and with an image what
   * the image sets. Names have the form `[A-Za-z_][A-Za-z0-9_]*`; values hold no NUL character.
   */
  readonly env: Readonly<Record<string, string>>
  /** The packages that the script installs, where it does nothing else. */
  readonly installs?: readonly string[]
  /** One of the spec's `images`, in place of its `image`. */
  readonly image?: string
  /**
   * Set: other steps may begin and end while it runs. When \`end\` aborts, its processes are asked to
   * end (SIGTERM); how long they may take for it is the caller's to decide.
   */
  readonly background?: { readonly end: AbortSignal }
}

export type OutputStream = 'stdout' | 'stderr'

/**
 * Takes the output of each stream in the order it was written. The chunk is the listener's until it
 * returns: whoever wants to keep it makes a copy.
 * A listener that can't keep up returns a promise: the step's stream is read no further until it
 * settles, so a fast writer waits, as it would for a slow terminal.
 */
export type OutputListener = (stream: OutputStream, chunk: Uint8Array) => void | Promise<void>

/** How a script ended. A non-zero code is a result and never thrown. */
export interface StepExit {
  /** 0 to 255; a process killed by signal n ends with 128 + n. */
  readonly exitCode: number
  /** What the exit code does not say, in words: "out of memory: the limit is 2 GiB". */
  readonly note?: string
}

/** Where a sandbox's processes are found; plain data, so that another process can end them. */
export type SandboxHandle =
  | {
      readonly kind: 'container'
      /** The engine's address, as `parseEngineAddress` reads it. */
      readonly host: string
      /** Of the container that holds the steps. */
      readonly id: string
      /** Of those of its services and other images; absent: none. */
      readonly others?: readonly string[]
      /** Whether the first may go with what it wrote; else whoever disposes still needs it, ended. */
      readonly remove: boolean
    }
  /** All processes of this machine with this mark (see process-search.ts) and what they started. */
  | { readonly kind: 'processes'; readonly mark: string }

/**
 * A file of one sandbox, empty at first, outside the workspace: the steps, whatever their user, can write
 * to it, and put nothing in its place. What they wrote is there for the runner before anything that they print afterwards.
 */
export interface MaskFile {
  /** As the steps see it. */
  readonly path: string
  /** The runner's view of it, from now on; throws where it can't be had. */
  readonly open: () => MaskFileView
}

export interface MaskFileView extends Disposable {
  /**
   * How the file begins, and how large it is; undefined while it is empty or as it was the last time, and after the disposal.
   * It never waits, and costs about a microsecond where nothing has changed.
   */
  look(maxBytes: number): { readonly bytes: Uint8Array; readonly size: number } | undefined
}

/**
 * Texts that the runner puts where the steps, whatever their user, can read them; where there is isolation
 * they can't change them. Outside the workspace, and gone with the sandbox.
 */
export interface SandboxFiles {
  /** Where the steps see the text of this name: a variable's. */
  pathOf(name: string): string
  /** Puts a text in the place of the former one: who reads meanwhile finds the one or the other, whole. */
  put(name: string, text: string): Promise<void>
}

export interface ArchiveOptions {
  /** What its files may have altogether; one with holes counts as if it had none. */
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Hears of each matching pipe, socket or device: no archive has those. */
  readonly onLeftOut?: (path: string) => void
}

/** A place that belongs to one job from now on. */
export interface TakenSandbox {
  /** Empty, and in use as the sandbox's; the caller removes its folder. */
  readonly workspace: Workspace
  /** As `Executor.open`, with this workspace; what can't be used any more is replaced. */
  open(signal: AbortSignal): Promise<Sandbox>
}

/**
 * Where the steps of a job run.
 *
 * - `open` prepares a place for one job, isolated from every other job. It rejects with a
 *   NarwhalError: `invalid` when the image reference can't be right, or the executor can't do what the
 *   spec asks for, `not_found` when the image
 *   can't be had, `unavailable` when the engine is away; the message is what the user reads.
 * - Disposing an executor ends and removes all its sandboxes.
 */
export interface Executor extends AsyncDisposable {
  /** What it can open sandboxes with now; may change when a container engine comes or goes. */
  readonly engines: readonly Engine[]
  open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox>
  /**
   * Takes a place that was prepared ahead for such a job, if there is one, and notes what the job
   * needs, for those to come; never waits and never throws. Whoever takes it opens it at once. Absent where
   * nothing is prepared.
   */
  take?(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined
  /** Empty when sandboxes can be opened; else what is wrong and what to do, in words. */
  probe(): Promise<string>
}

/**
 * A place for one job, never used by two.
 *
 * - `run` runs one script after the other in the workspace, each as a process of its own: closed
 *   standard input, exactly the given environment. It resolves once the script has ended and
 *   its output has been heard, also when it left processes in the background. Whether those live on
 *   into the next step is up to the engine. Calls never overlap, but for steps in the background;
 *   one of those that is at work when another step is aborted may be killed with it, and ends with
 *   137 then.
 * - When the signal aborts, every process of the step is killed and `run` rejects with the
 *   signal's reason; the sandbox can still run further steps. Our own trouble (the engine is gone,
 *   an environment that can't be set, …) rejects with a NarwhalError.
 * - `read` gives what is in a regular file, read with the rights of the steps and never with the
 *   runner's: a link leads where it would lead them. The path is relative to the workspace, without
 *   `..`, or absolute as the steps see it. Undefined where there is no such file, which costs no process where
 *   the runner can see that itself. Rejects `too_large` above `maxBytes`, `conflict` for what is no regular
 *   file (whoever reads a pipe waits for ever), `forbidden` where the steps may not read it, `invalid` for a
 *   path that can't be one, else as `run` does. It counts as a step: beside steps in the background, but never while
 *   another runs. It works until the disposal, and so after the last step.
 * - `archive` gives a tar archive (POSIX, with pax headers) of what in the workspace matches the patterns
 *   (core/plan/glob.ts), by its paths there, in the order of their bytes: the same files make the same archive. It is made
 *   with the rights of the steps, while it is read and no faster; who stops reading ends it, and so does
 *   the signal. Files keep their permissions (no set-user-id, nor its like), whole seconds of their time, and
 *   hard links among each other; owners are 0 without names; holes and extended attributes are lost. Folders are in it
 *   that match themselves, empty ones too. Links are kept as texts and never followed, also not by a pattern;
 *   `.git` is never in it. It throws at the first `next` or later, and what was read so far is worth nothing then:
 *   `invalid` for patterns that can't be meant and for names that are not UTF-8, `too_large` for more than
 *   `maxBytes` or too many files to look at, `forbidden` for what the steps may not read, `conflict` when a file
 *   changed meanwhile, else as `run` does. It counts as a step, like `read`.
 * - `pause` stops everything in the sandbox where it is, until `resume`: once it has resolved, no
 *   instruction of a job is carried out, and a `run` that is called meanwhile begins at the `resume`.
 *   Both may be called at any moment, also between steps and twice; the last call counts. They reject
 *   with `unavailable` when the engine can't do it; then the sandbox must be disposed. An abort and
 *   the disposal work in a paused sandbox as in any other.
 * - `handle` says what another process has to end, so that nothing of the sandbox runs on. Absent
 *   where everything runs in this process.
 * - `keepUntil` sets the moment at which the sandbox must have ended, unless a later call moves it:
 *   milliseconds of this process's `performance.now()`. Somebody else sees to it (see
 *   watched-executor.ts), so that it holds also when this process is stopped, and begins a little
 *   earlier. A sandbox that was not kept in time is over for ever: `run`, `pause` and `resume` reject
 *   with `unavailable`, also a `run` that was on its way, for how it ended says nothing. Without a
 *   call there is no such moment, and none counts while the sandbox is paused: the moment of the last
 *   call counts again from `resume` on, so move it first. Absent where nobody watches.
 * - Disposing kills what still runs and removes everything the sandbox brought: containers,
 *   networks, volumes, and what the steps wrote into the workspace under another user's name, so
 *   that the runner can remove the folder. It is safe at any moment and more than once.
 */
export interface Sandbox extends AsyncDisposable {
  /** The path of the workspace, as the steps see it. */
  readonly workspace: string
  /** What the job's log has to say of it, before the first step: that it has no network, and why. */
  readonly notes?: readonly string[] | undefined
  /** Absent where there are no files. */
  readonly maskFile?: MaskFile | undefined
  /** Absent where there are no files. */
  readonly files?: SandboxFiles | undefined
  run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit>
  read(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined>
  archive(
    patterns: readonly string[],
    options: ArchiveOptions,
  ): AsyncGenerator<Uint8Array, void, undefined>
  pause(): Promise<void>
  resume(): Promise<void>
  /** A shell for a person in the sandbox, with this environment. Absent where there can be none. */
  readonly shell?: ((step: Pick<SandboxStep, 'env' | 'image'>) => Promise<SandboxShell>) | undefined
  readonly handle?: SandboxHandle
  /** Of its containers, each name once; absent where there are none. */
  readonly images?: readonly ImageRun[]
  /** Absent where nothing is written. */
  readonly disk?: SandboxDisk | undefined
  keepUntil?(atMs: number): void
}
