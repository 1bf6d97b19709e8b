import type { Engine } from '../../core/placement/placement.ts'
import { SerialQueue } from '../../lib/serial-queue.ts'
import type {
  Executor,
  OutputListener,
  Sandbox,
  SandboxHandle,
  SandboxSpec,
  SandboxStep,
  StepExit,
} from '../executor/executor.ts'
import type { Watch, Watchdog } from './watchdog.ts'

/**
 * An executor whose sandboxes don't outlive this process, and can be kept until a moment and no
 * longer (`keepUntil`). It disposes of `executor`; the watchdog must outlive it.
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

  probe(): Promise<string> {
    return this.#executor.probe()
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const sandbox = await this.#executor.open(spec, signal)
    const { handle } = sandbox
    if (!handle) return sandbox
    return new WatchedSandbox(sandbox, handle, this.#watchdog.watch(spec.name, handle))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#executor[Symbol.asyncDispose]()
  }
}

/** A sandbox with its watch. Invariant: while it is paused, no moment counts. */
class WatchedSandbox implements Sandbox {
  readonly handle: SandboxHandle
  readonly #sandbox: Sandbox
  readonly #watch: Watch
  readonly #pauses = new SerialQueue()
  #isPaused = false
  #untilMs: number | undefined

  constructor(sandbox: Sandbox, handle: SandboxHandle, watch: Watch) {
    this.handle = handle
    this.#sandbox = sandbox
    this.#watch = watch
  }

  run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    return this.#sandbox.run(step, output, signal)
  }

  keepUntil(atMs: number): void {
    this.#untilMs = atMs
    if (!this.#isPaused) this.#watch.keepUntil(atMs)
  }

  pause(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#sandbox.pause()
      this.#isPaused = true
      this.#watch.keepUntil(undefined)
    })
  }

  resume(): Promise<void> {
    return this.#pauses.run(async () => {
      this.#isPaused = false
      this.#watch.keepUntil(this.#untilMs)
      await this.#sandbox.resume()
    })
  }

  /** What could not be removed stays watched: it ends with this process at the latest. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sandbox[Symbol.asyncDispose]()
    this.#watch.release()
  }
}
