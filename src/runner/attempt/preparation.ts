import { mkdir } from 'node:fs/promises'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import type { AttemptEvent, AttemptFault, RunnerPhase } from '../../core/attempt/attempt-event.ts'
import type { ImageRun } from '../../core/attempt/image-run.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { removeFolder } from '../../lib/remove-folder.ts'
import type { Checkouts } from '../checkout/checkouts.ts'
import type { Executor, Sandbox, SandboxSpec } from '../executor/executor.ts'
import type { Workspace } from '../executor/workspace.ts'
import { diskNote } from '../mirror/disk-note.ts'
import type { MirrorCache } from '../mirror/mirror-cache.ts'
import { faultOfCheckout, faultOfSandbox } from './fault.ts'

export interface PreparationDeps {
  readonly executor: Executor
  readonly mirrors: MirrorCache
  readonly checkouts: Checkouts
}

export interface PreparationOrder {
  readonly commit: CommitSource
  /** How it comes into the workspace; absent: whole. */
  readonly clone?: JobSpec['clone']
  /** Its workspace does not exist yet, and is made unless a sandbox with one was prepared ahead. */
  readonly sandbox: SandboxSpec
  readonly signal: AbortSignal
  /** Called when a part is done, with the milliseconds that it took. */
  readonly onPhase: (event: Extract<AttemptEvent, { type: 'phase' }>) => void
}

/**
 * Makes ready what an attempt needs: its workspace with the commit in it, and beside that, at the
 * same time, its sandbox.
 */
export class Preparation {
  /** The sandbox, when all is ready; rejects with what went wrong first, or the signal's reason. */
  readonly ready: Promise<Sandbox>
  readonly #deps: PreparationDeps
  readonly #order: PreparationOrder
  /** The order's own, or that of a sandbox that was there before. */
  #workspace: Workspace
  #opening: Promise<Sandbox> | undefined
  #checkingOut: Promise<void> | undefined
  #trouble: { readonly fault: AttemptFault | undefined } | undefined

  constructor(deps: PreparationDeps, order: PreparationOrder) {
    this.#deps = deps
    this.#order = order
    this.#workspace = order.sandbox.workspace
    this.ready = this.#prepare()
  }

  /** Whose fault it is that it failed, where that says nothing about the job. */
  get fault(): AttemptFault | undefined {
    return this.#trouble?.fault
  }

  /** Removes all that was made, once what is on its way has ended. Never rejects. */
  async clear(log: Logger): Promise<void> {
    const [sandbox] = await Promise.allSettled([this.#opening, this.#checkingOut])
    const told = (err: unknown) => log.error({ err }, 'an attempt left something behind')
    // The folder goes also when the engine is away and its sandbox has to wait for it.
    if (sandbox.status === 'fulfilled') {
      await sandbox.value?.[Symbol.asyncDispose]().then(undefined, told)
    }
    await removeFolder(this.#workspace.path).catch(told)
  }

  async #prepare(): Promise<Sandbox> {
    const { sandbox: spec, signal } = this.#order
    const { executor } = this.#deps
    const taken = executor.take?.(spec)
    if (taken) this.#workspace = taken.workspace
    else await this.#blame(() => 'runner', makeWorkspace(spec.workspace.path))
    const open = () => (taken ? taken.open(signal) : executor.open(spec, signal))
    this.#opening = this.#blame(
      faultOfSandbox,
      this.#timed('sandbox', open, (sandbox) => sandbox.images),
    )
    this.#checkingOut = this.#blame(faultOfCheckout, this.#checkOut())
    const [sandbox] = await Promise.all([this.#opening, this.#checkingOut])
    return sandbox
  }

  async #checkOut(): Promise<void> {
    const { mirrors, checkouts } = this.#deps
    const { commit, clone, signal } = this.#order
    if (clone === 'none') return
    const folder = this.#workspace.path
    await this.#timed('fetch', async () => {
      await mirrors.fetchCommit(commit, signal)
      if (clone?.depth === undefined) await mirrors.tags(commit, signal)
    })
    await this.#timed('checkout', async () => {
      try {
        await checkouts.checkOut(commit, folder, { clone, signal })
      } catch (error) {
        signal.throwIfAborted()
        const note = await diskNote(error, folder)
        const why = `${describeError(error)}${note.words}`
        const words = `cannot check out ${commit.repositoryName}: ${why}`
        throw new NarwhalError(note.code, words, { cause: error })
      }
    })
  }

  async #timed<Result>(
    phase: RunnerPhase,
    work: () => Promise<Result>,
    imagesOf?: (result: Result) => readonly ImageRun[] | undefined,
  ): Promise<Result> {
    const startedAt = performance.now()
    const result = await work()
    const durationMs = Math.round(performance.now() - startedAt)
    const images = imagesOf?.(result) ?? []
    const told = images.length > 0 ? { images } : {}
    this.#order.onPhase({ type: 'phase', phase, durationMs, ...told })
    return result
  }

  /** Notes whose fault it is when this is the first part that fails. */
  async #blame<Result>(
    faultOf: (error: unknown) => AttemptFault | undefined,
    work: Promise<Result>,
  ): Promise<Result> {
    try {
      return await work
    } catch (error) {
      this.#trouble ??= { fault: faultOf(error) }
      throw error
    }
  }
}

async function makeWorkspace(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const words = `the runner can't make a workspace: ${describeError(error)}`
    throw new NarwhalError('unavailable', words, { cause: error })
  }
}
