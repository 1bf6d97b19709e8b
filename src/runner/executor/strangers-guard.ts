import type { Engine } from '../../core/placement/placement.ts'
import { type StrangerExecutor, strangerEngines } from '../../core/placement/strangers.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Executor, Sandbox, SandboxSpec, TakenSandbox } from './executor.ts'

/**
 * Opens no sandbox for a stranger unless the operator has named an engine for that, no matter who sends the
 * job and what they know of this runner. Disposed of with `executor`.
 */
export class StrangersGuard implements Executor {
  readonly #executor: Executor
  readonly #named: readonly StrangerExecutor[]

  constructor(executor: Executor, named: readonly StrangerExecutor[]) {
    this.#executor = executor
    this.#named = named
  }

  get engines(): readonly Engine[] {
    return this.#executor.engines
  }

  get strangerEngines(): readonly Engine[] {
    return strangerEngines(this.#executor.engines, this.#named)
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    if (this.#refuses(spec)) {
      const named = this.#named.map((one) => `${one}:`).join(',') || 'none'
      throw new NarwhalError(
        'invalid',
        `this runner takes no strangers' jobs: its --strangers names ${named}, and it has ${this.#executor.engines.join(' and ') || 'no engine'}`,
      )
    }
    return await this.#executor.open(spec, signal)
  }

  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    return this.#refuses(spec) ? undefined : this.#executor.take?.(spec)
  }

  probe(): Promise<string> {
    return this.#executor.probe()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#executor[Symbol.asyncDispose]()
  }

  #refuses({ isStranger }: Pick<SandboxSpec, 'isStranger'>): boolean {
    return isStranger && this.strangerEngines.length === 0
  }
}
