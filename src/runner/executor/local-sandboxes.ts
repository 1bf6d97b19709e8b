import { NarwhalError } from '../../lib/errors.ts'
import type { Sandbox } from './executor.ts'
import { LocalSandbox, type LocalSandboxParts } from './local-sandbox.ts'
import { openScratch, reapScratch, type Scratch } from './scratch.ts'

/** The open sandboxes of an executor that runs steps on this machine. */
export class LocalSandboxes implements AsyncDisposable {
  readonly #instance: string
  readonly #open = new Set<LocalSandbox>()
  #closed = false
  #reaped: Promise<number> | undefined

  /** `instance` names the runner among all on this machine. */
  constructor(instance: string) {
    this.#instance = instance
  }

  /** Opens one with a scratch folder of its own. */
  async open(
    make: (scratch: Scratch) => Promise<Omit<LocalSandboxParts, 'scratch' | 'onClosed'>>,
    signal: AbortSignal,
  ): Promise<Sandbox> {
    await this.reap()
    this.#check(signal)
    await using opened = new AsyncDisposableStack()
    const scratch = opened.use(await openScratch(this.#instance))
    const parts = await make(scratch)
    this.#check(signal)
    opened.move()
    const onClosed = () => void this.#open.delete(sandbox)
    const sandbox: LocalSandbox = new LocalSandbox({ ...parts, scratch, onClosed })
    this.#open.add(sandbox)
    return sandbox
  }

  /**
   * Ends and removes what a former process of this name left, as after a `kill -9`; resolves to the
   * number of its sandboxes. A folder that can't be removed stops no job.
   */
  reap(): Promise<number> {
    this.#reaped ??= reapScratch(this.#instance).catch(() => 0)
    return this.#reaped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open].map((sandbox) => sandbox[Symbol.asyncDispose]()))
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted()
    if (this.#closed) throw new NarwhalError('cancelled', 'the runner is stopping')
  }
}
