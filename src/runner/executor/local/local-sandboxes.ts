import { NarwhalError } from '../../../lib/errors.ts'
import { FifoStock } from '../../../lib/pipes/fifo-stock.ts'
import { makeFifos } from '../../../lib/programs/make-fifos.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import type { Sandbox } from '../executor.ts'
import { LocalSandbox, type LocalSandboxParts } from './local-sandbox.ts'
import { openFolder, openScratch, reapScratch, type Scratch } from './scratch.ts'

export class LocalSandboxes implements AsyncDisposable {
  readonly #instance: string
  readonly #folder: string | undefined
  readonly #open = new Set<LocalSandbox>()
  #closed = false
  #stock: Promise<FifoStock> | undefined
  #reaped: Promise<number> | undefined

  /** `instance` is the unique name of the runner on this machine; `folder` is for the scratch folders. */
  constructor(instance: string, folder?: string) {
    this.#instance = instance
    this.#folder = folder
  }

  /** Opens one with a scratch folder of its own; what `make` puts on the stack is disposed of with it. */
  async open(
    make: (
      scratch: Scratch,
      owned: AsyncDisposableStack,
    ) => Promise<Omit<LocalSandboxParts, 'scratch' | 'fifos' | 'onClosed'>>,
    signal: AbortSignal,
  ): Promise<Sandbox> {
    await this.reap()
    this.#check(signal)
    await using opened = new AsyncDisposableStack()
    const scratch = opened.use(await openScratch(this.#instance, this.#folder))
    const parts = await make(scratch, opened)
    const fifos = await this.#openStock()
    this.#check(signal)
    const owned = opened.move()
    const onClosed = async () => {
      try {
        await owned.disposeAsync()
      } finally {
        this.#open.delete(sandbox)
      }
    }
    const sandbox: LocalSandbox = new LocalSandbox({ ...parts, scratch, fifos, onClosed })
    this.#open.add(sandbox)
    return sandbox
  }

  /**
   * Ends and removes what a previous process of this name left behind, as after `kill -9`; resolves to the
   * number of its sandboxes. A folder that can't be removed stops no job.
   */
  reap(): Promise<number> {
    this.#reaped ??= reapScratch(this.#instance, this.#folder)
      .catch(() => 0)
      .finally(() => {
        // The first job needs them, and they take a while. Reported by that job.
        this.#openStock().catch(() => {})
      })
    return this.#reaped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open].map((sandbox) => sandbox[Symbol.asyncDispose]()))
    const stock = await this.#stock?.catch(() => undefined)
    if (stock) await removeFolder(stock.folder)
  }

  /** Shared by all of them, in a folder that nobody else can access. */
  #openStock(): Promise<FifoStock> {
    this.#stock ??= openFolder(this.#instance, this.#folder, 'fifos').then((path) => {
      const stock = new FifoStock(path, makeFifos)
      // The first ones are made during the checkout.
      stock.take(0).catch(() => {})
      return stock
    })
    return this.#stock
  }

  #check(signal: AbortSignal): void {
    signal.throwIfAborted()
    if (this.#closed) throw new NarwhalError('cancelled', 'the runner is stopping')
  }
}
