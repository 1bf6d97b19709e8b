import type { Engine } from '../../core/placement/placement.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type {
  Executor,
  Sandbox,
  SandboxHandle,
  SandboxSpec,
} from '../../runner/executor/executor.ts'
import type { Watchdog } from '../../runner/watchdog/watchdog.ts'

/**
 * An executor whose open sandboxes end even if this process, asked to end by the signal, can't wait for
 * that: from then on a watchdog, a process of its own, knows them, and ends those that are left. Until
 * then there is none, since it would take a part of the processor when a run should start.
 */
export class LeftSandboxes implements Executor {
  readonly #executor: Executor
  readonly #log: Logger
  readonly #open = new Map<SandboxHandle, string>()
  readonly #signal: AbortSignal
  #watchdog: Promise<Watchdog | undefined> | undefined

  constructor(executor: Executor, { log, signal }: { log: Logger; signal: AbortSignal }) {
    this.#executor = executor
    this.#log = log
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort)
    if (signal.aborted) this.#onAbort()
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
    this.#open.set(handle, spec.name)
    const dispose = sandbox[Symbol.asyncDispose].bind(sandbox)
    sandbox[Symbol.asyncDispose] = async () => {
      await dispose()
      this.#open.delete(handle)
    }
    return sandbox
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#onAbort)
    await this.#executor[Symbol.asyncDispose]()
    await (await this.#watchdog)?.[Symbol.asyncDispose]()
  }

  readonly #onAbort = (): void => {
    if (this.#open.size === 0) return
    this.#watchdog = this.#startWatchdog().catch((error: unknown) => {
      this.#log.error({ reason: describeError(error) }, 'watchdog not started')
      return undefined
    })
  }

  async #startWatchdog(): Promise<Watchdog> {
    const { startWatchdog } = await import('../../runner/watchdog/watchdog.ts')
    const watchdog = startWatchdog({ log: this.#log, isQuiet: true })
    for (const [handle, name] of this.#open) watchdog.watch(name, handle)
    return watchdog
  }
}
