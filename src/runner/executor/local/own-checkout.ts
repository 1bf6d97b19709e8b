import type { Engine } from '../../../core/placement/placement.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { Executor, Sandbox, SandboxSpec, TakenSandbox } from '../executor.ts'
import { containersWanted } from '../refuse-containers.ts'

/** What an executor does where it can open no sandbox. */
export interface OwnCheckoutParts {
  readonly sandboxes: Executor
  /** Without any isolation. */
  readonly plain: Executor
  /** Clone URLs of one repository: the one that Narwhal itself was started from. */
  readonly sources: readonly string[]
}

/**
 * Sandboxes as ever; but where there can be none, and until `close`, the jobs of one's own checkout run as plain
 * processes: whoever starts Narwhal from a folder runs what is in it anyway. Of other repositories, of
 * strangers and of containers it takes none. It is disposed of with both.
 */
export class OwnCheckoutExecutor implements Executor {
  readonly #parts: OwnCheckoutParts
  /** Why there are no sandboxes, as the last probe found it; empty: there are. */
  #trouble = ''
  #isClosed = false

  constructor(parts: OwnCheckoutParts) {
    this.#parts = parts
  }

  get engines(): readonly Engine[] {
    const { sandboxes, plain } = this.#parts
    return this.#isPlain ? plain.engines : sandboxes.engines
  }

  /** Why jobs can't run in sandboxes, in words; empty: they can. */
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

  /** From now on there are sandboxes or nothing; what runs goes on. */
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
