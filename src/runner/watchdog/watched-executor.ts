import type { ImageRun } from '../../core/attempt/image-run.ts'
import type { ContainerWay } from '../../core/container-way.ts'
import type { Engine } from '../../core/placement/placement.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type {
  ArchiveOptions,
  Executor,
  OutputListener,
  Sandbox,
  SandboxHandle,
  SandboxSpec,
  SandboxStep,
  StepExit,
  TakenSandbox,
} from '../executor/executor.ts'
import type { Watch, Watchdog } from './watchdog.ts'

/**
 * An executor whose sandboxes don't outlive this process, and end at a deadline unless it is moved
 * (`keepUntil`). It disposes `executor`; the watchdog must outlive it.
 */
export function watchedExecutor(executor: Executor, watchdog: Watchdog): Executor {
  return new WatchedExecutor(executor, watchdog)
}

class WatchedExecutor implements Executor {
  readonly #executor: Executor
  readonly #watchdog: Watchdog

  constructor(executor: Executor, watchdog: Watchdog) {
    this.#executor = executor
    this.#watchdog = watchdog
  }

  get engines(): readonly Engine[] {
    return this.#executor.engines
  }

  get containers(): ContainerWay | undefined {
    return this.#executor.containers
  }

  probe(): Promise<string> {
    return this.#executor.probe()
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    return this.#watch(spec.name, await this.#executor.open(spec, signal))
  }

  /** A warm sandbox runs nothing yet; it is watched once it is opened. */
  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    const taken = this.#executor.take?.(spec)
    if (!taken) return undefined
    const { workspace } = taken
    return { workspace, open: async (signal) => this.#watch(spec.name, await taken.open(signal)) }
  }

  #watch(name: string, sandbox: Sandbox): Sandbox {
    const { handle } = sandbox
    if (!handle) return sandbox
    return new WatchedSandbox(sandbox, handle, this.#watchdog.watch(name, handle))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#executor[Symbol.asyncDispose]()
  }
}

/** Ending a sandbox takes a while: it begins this long before the deadline. */
const END_MS = 1_000

/**
 * A watched sandbox: *running* (until its deadline, if it has one), *paused* (the deadline does not
 * count), or permanently *over*, once a deadline was not moved in time. Then the watchdog has ended it
 * or is about to, and the result of a step is meaningless.
 */
class WatchedSandbox implements Sandbox {
  readonly handle: SandboxHandle
  readonly #sandbox: Sandbox
  readonly #watch: Watch
  readonly #pauses = new SerialQueue()
  #isPaused = false
  #isOver = false
  #endAt: number | undefined

  constructor(sandbox: Sandbox, handle: SandboxHandle, watch: Watch) {
    this.handle = handle
    this.#sandbox = sandbox
    this.#watch = watch
  }

  get workspace(): string {
    return this.#sandbox.workspace
  }

  get notes(): Sandbox['notes'] {
    return this.#sandbox.notes
  }

  get maskFile(): Sandbox['maskFile'] {
    return this.#sandbox.maskFile
  }

  get files(): Sandbox['files'] {
    return this.#sandbox.files
  }

  get images(): readonly ImageRun[] {
    return this.#sandbox.images ?? []
  }

  get disk(): Sandbox['disk'] {
    return this.#sandbox.disk
  }

  async run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    this.#check()
    try {
      return await this.#sandbox.run(step, output, signal)
    } finally {
      if (!signal.aborted) this.#check()
    }
  }

  async read(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    this.#check()
    try {
      return await this.#sandbox.read(path, maxBytes, signal)
    } finally {
      if (!signal.aborted) this.#check()
    }
  }

  async *archive(
    patterns: readonly string[],
    options: ArchiveOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#check()
    try {
      yield* this.#sandbox.archive(patterns, options)
    } finally {
      if (!options.signal.aborted) this.#check()
    }
  }

  get shell(): Sandbox['shell'] {
    const { shell } = this.#sandbox
    return shell?.bind(this.#sandbox)
  }

  keepUntil(atMs: number): void {
    const endAt = atMs - END_MS
    if (!this.#isPaused) {
      // The clock is checked after sending: a suspension of this process before that is noticed.
      this.#watch.endAt(endAt)
      if (this.#checkClock()) return
    }
    this.#endAt = endAt
  }

  pause(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#sandbox.pause()
      this.#watch.endAt(undefined)
      this.#check()
      this.#isPaused = true
    })
  }

  resume(): Promise<void> {
    return this.#pauses.run(async () => {
      this.#isPaused = false
      this.#watch.endAt(this.#endAt)
      this.#check()
      await this.#sandbox.resume()
    })
  }

  /** A sandbox that could not be removed stays watched: it ends with this process at the latest. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sandbox[Symbol.asyncDispose]()
    this.#watch.release()
  }

  /** Whether the watchdog may have ended the sandbox. */
  #checkClock(): boolean {
    if (!this.#isPaused && performance.now() >= (this.#endAt ?? Infinity)) this.#isOver = true
    return this.#isOver
  }

  #check(): void {
    if (!this.#checkClock()) return
    const message = 'the lease of the sandbox was not renewed in time, and its processes were ended'
    throw new NarwhalError('unavailable', message)
  }
}
