import type { ImageRun } from '../../../core/attempt/image-run.ts'
import type { ImagePull } from '../../../core/plan/image-pull.ts'
import type { OutputStream, SandboxDisk, SandboxHandle, SandboxLimits } from '../executor.ts'
import type { SandboxShell } from '../sandbox-shell.ts'
import type { ContainerSpec } from './container-spec.ts'

export interface ContainerState {
  readonly running: boolean
  readonly oomKilled: boolean
  readonly exitCode: number
}

export interface OutputPart {
  readonly stream: OutputStream
  readonly chunk: Buffer
}

/** What a container or a command prints. */
export interface ContainerOutput {
  /** What has arrived, in order; adjacent parts are of different streams. Ends with the writers, never throws. */
  readonly parts: AsyncIterable<readonly OutputPart[]>
  /** Stops reading; what writes may run on. Idempotent. */
  hangUp(): void
}

export interface ExecSettings {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** As root in this folder; absent: as the container's own user, in its own folder. */
  readonly rootIn?: string
}

/** A command in a running container, not yet started. */
export interface PreparedExec {
  /** Rejects with `unavailable` and the reason if it can't be started. */
  start(): Promise<ContainerExec>
}

/** A command that was started. */
export interface ContainerExec extends ContainerOutput {
  /** Writes to its standard input; nothing happens if it has ended. */
  write(text: string): void
  /** The same, and closes it. */
  end(text: string): void
  /** Whether it is a process by now, or was one. */
  hasBegun(): Promise<boolean>
  /** The exit code of one that has ended; undefined while it runs, or if it is no longer known. */
  findExit(): Promise<number | undefined>
}

/** For whom a container is, and how its image is had. */
export interface ImageAsk {
  readonly pull: ImagePull
  /** Logins of the job's own, in the form of Docker's `config.json`. */
  readonly login?: string
  /** Whether a stranger's job asks: private registries are closed to it, and it gains no privileges. */
  readonly isStranger: boolean
  /** Receives lines for the job's log. */
  readonly onProgress: (line: string) => void
  readonly signal: AbortSignal
}

/** What a container's image says of the service that it is. */
export interface ServiceFacts {
  /** How it tells that it is ready; absent: it doesn't. */
  readonly check?: HealthCheck
  /** Such as `5432/tcp`. */
  readonly exposedPorts: readonly string[]
}

/** An image's HEALTHCHECK, with Docker's defaults filled in. */
export interface HealthCheck {
  /** A program with its arguments; succeeds with exit code 0. */
  readonly command: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Failures in this time after the start don't count. */
  readonly startPeriodMs: number
  /** After this many failures in a row it has failed. */
  readonly retries: number
}

/** The containers of one job. */
export interface JobIds {
  /** That of the steps. */
  readonly main: string
  /** Those of its services and other images. */
  readonly others: readonly string[]
}

/**
 * What creates, runs and removes the containers of a runner. Containers are *created*, *running* from `start`
 * until they end, or *paused*; one that has ended can be started again, with its files. Every method
 * rejects with `unavailable` if the engine fails, and with what its docstring names.
 */
export interface ContainerEngine {
  /** For the log of each job: what its containers lack on this machine. */
  readonly notes: readonly string[]
  /** Checks that the engine can be used; rejects with what to do. */
  ping(): Promise<void>
  /**
   * Resolves to the container's id; `undefined` if its image is not here and is not to be fetched. Rejects with
   * `not_found` and the reason if it can't be, `invalid` if it must not be or is no use here, and with the
   * signal's reason only as long as nothing has been created.
   */
  create(spec: ContainerSpec, ask: ImageAsk): Promise<string | undefined>
  /** Starts it. Idempotent. */
  start(id: string): Promise<void>
  /** What it prints from now on; all of it if called before its start. */
  attach(id: string): Promise<ContainerOutput>
  /** Resolves to its exit code when it is not running, now or later. */
  wait(id: string, signal: AbortSignal): Promise<number>
  /** Kills all its processes, paused or not, and resolves once they are gone. Idempotent. */
  kill(id: string): Promise<void>
  /** Freezes all processes of these containers. Idempotent; no error for one that is not running. */
  pause(ids: readonly string[]): Promise<void>
  /** Resumes what `pause` has frozen. Idempotent. */
  resume(ids: readonly string[]): Promise<void>
  /** `undefined` if the container is not running. */
  prepareExec(id: string, settings: ExecSettings): Promise<PreparedExec | undefined>
  /** An interactive command, as the container's own user and in its own folder. */
  shell(id: string, settings: Omit<ExecSettings, 'rootIn'>): SandboxShell
  /** `undefined` if it does not exist. */
  inspect(id: string): Promise<ContainerState | undefined>
  /** Changes the limits of a running container. */
  update(id: string, limits: SandboxLimits): Promise<void>
  /** Kills and removes it, with everything that it brought along. Idempotent. */
  remove(id: string): Promise<void>
  /** All containers of this runner, also those of a previous process. */
  list(): Promise<readonly string[]>
  /** The id of the image that this reference names now; `undefined` if it does not exist. */
  findImage(reference: string): Promise<string | undefined>
  /** What its image says of it; undefined if that is not known. Never rejects. */
  serviceFactsOf(id: string): Promise<ServiceFacts | undefined>
  /** The images of these containers, each once; what is not known is left out. Never rejects. */
  imagesOf(containers: readonly NamedContainer[]): Promise<readonly ImageRun[]>
  /**
   * Gives a container's root what is in its workspace, before the first step: nothing of the job has run, and the
   * files have just been made.
   */
  giveWorkspace(id: string, workspace: string): Promise<void>
  /** The disk usage of a job: its workspace, and what its containers have written. */
  diskOf(ids: JobIds, workspace: string): SandboxDisk
  /** `mayRemove`: whether the main container may be removed by another process. */
  handleOf(ids: JobIds, mayRemove: boolean): SandboxHandle
}

export interface NamedContainer {
  readonly id: string
  /** What its image is called in the job; absent: as the container itself says. */
  readonly image?: string
}
