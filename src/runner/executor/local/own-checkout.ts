import type { ContainerWay } from '../../../core/container-way.ts'
import type { Engine } from '../../../core/placement/placement.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { Executor, Sandbox, SandboxSpec, TakenSandbox } from '../executor.ts'
import { containersWanted } from '../refuse-containers.ts'

/** What an executor uses if it can't open sandboxes. */
export interface OwnCheckoutParts {
  readonly sandboxes: Executor
  /** Without any isolation. */
  readonly plain: Executor
  /** Clone URLs of one repository: the one from which Narwhal itself was started. */
  readonly sources: readonly string[]
}

/**
 * Uses sandboxes if possible. If not, and until `close`, jobs of the operator's own checkout run as plain
 * processes: starting Narwhal from a folder runs its code anyway. Jobs of other repositories, of strangers,
 * or in containers are not taken. It is disposed of with both.
 */
export class OwnCheckoutExecutor implements Executor {
  readonly #parts: OwnCheckoutParts
  /** Why there are no sandboxes, from the last probe; empty: there are. */
  #trouble = ''
  #isClosed = false

  constructor(parts: OwnCheckoutParts) {
    this.#parts = parts
  }

  get engines(): readonly Engine[] {
    const { sandboxes, plain } = this.#parts
    return this.#isPlain ? plain.engines : sandboxes.engines
  }

  get containers(): ContainerWay | undefined {
    return this.#parts.sandboxes.containers
  }

  /** Why jobs can't run in sandboxes, as a message; empty: they can. */
  async whyPlain(): Promise<string> {
    this.#trouble = await this.#parts.sandboxes.probe()
    return this.#trouble
  }

  async probe(): Promise<string> {
    const trouble = await this.whyPlain()
    return this.#isPlain ? '' : trouble
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    await this.whyPlain()
    if (!this.#isPlain) return await this.#parts.sandboxes.open(spec, signal)
    const isOwn = spec.source !== undefined && this.#parts.sources.includes(spec.source)
    if (isOwn && !spec.isStranger && containersWanted(spec) === undefined) {
      return await this.#parts.plain.open(spec, signal)
    }
    throw new NarwhalError('unavailable', this.#trouble)
  }

  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    return this.#parts.sandboxes.take?.(spec)
  }

  /** From now on only sandboxes; running jobs continue. */
  close(): void {
    this.#isClosed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { sandboxes, plain } = this.#parts
    await Promise.all([sandboxes[Symbol.asyncDispose](), plain[Symbol.asyncDispose]()])
  }

  get #isPlain(): boolean {
    return !this.#isClosed && this.#trouble !== ''
  }
}
