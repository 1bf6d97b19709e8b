import { mkdir } from 'node:fs/promises'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import type { AttemptEvent, AttemptFault, RunnerPhase } from '../../core/attempt/attempt-event.ts'
import type { ImageRun } from '../../core/attempt/image-run.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Checkouts } from '../checkout/checkouts.ts'
import type { Trash } from '../disk/trash.ts'
import type { Executor, Sandbox, SandboxSpec } from '../executor/executor.ts'
import type { Workspace } from '../executor/workspace.ts'
import { diskNote } from '../mirror/disk-note.ts'
import type { MirrorCache } from '../mirror/mirror-cache.ts'
import { faultOfCheckout, faultOfSandbox } from './fault.ts'

export interface PreparationDeps {
  readonly executor: Executor
  readonly mirrors: MirrorCache
  readonly checkouts: Checkouts
  /** On the file system of the workspaces. */
  readonly trash: Trash
}

export interface PreparationOrder {
  readonly commit: CommitSource
  /** How it is checked out; absent: with its whole history. */
  readonly clone?: JobSpec['clone']
  /** Its workspace does not exist yet; it is created unless a warm sandbox brings its own. */
  readonly sandbox: SandboxSpec
  readonly signal: AbortSignal
  /** Called when a phase is done. */
  readonly onPhase: (event: Extract<AttemptEvent, { type: 'phase' }>) => void
}

/** Prepares an attempt: checks out its commit into the workspace and opens its sandbox, concurrently. */
export class Preparation {
  /** The sandbox, once all is ready; rejects with the first error, or the signal's reason. */
  readonly ready: Promise<Sandbox>
  readonly #deps: PreparationDeps
  readonly #order: PreparationOrder
  /** The order's own, or that of a warm sandbox. */
  #workspace: Workspace
  #opening: Promise<Sandbox> | undefined
  #checkingOut: Promise<void> | undefined
  #failure: { readonly fault: AttemptFault | undefined } | undefined

  constructor(deps: PreparationDeps, order: PreparationOrder) {
    this.#deps = deps
    this.#order = order
    this.#workspace = order.sandbox.workspace
    this.ready = this.#prepare()
  }

  /** Whose fault a failure is, where it says nothing about the job. */
  get fault(): AttemptFault | undefined {
    return this.#failure?.fault
  }

  /** Removes all that was created, once what is in flight has ended. Never rejects. */
  async clear(log: Logger): Promise<void> {
    const [sandbox] = await Promise.allSettled([this.#opening, this.#checkingOut])
    const onError = (err: unknown) => log.error({ err }, 'attempt cleanup failed')
    // The folder is removed even if the engine is unreachable and the sandbox has to wait for it.
    if (sandbox.status === 'fulfilled') {
      await sandbox.value?.[Symbol.asyncDispose]().then(undefined, onError)
    }
    await this.#deps.trash.throwAway(this.#workspace.path).catch(onError)
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
    const sha = await this.#timed('fetch', async () => {
      const fetched = await mirrors.fetchCommit(commit, signal)
      if (clone?.depth === undefined) await mirrors.tags(commit, signal)
      return fetched.sha
    })
    await this.#timed('checkout', async () => {
      try {
        await checkouts.checkOut({ ...commit, sha }, folder, { clone, signal })
      } catch (error) {
        signal.throwIfAborted()
        const note = await diskNote(error, folder)
        const why = `${describeError(error)}${note.words}`
        const message = `can't check out ${commit.repositoryName}: ${why}`
        throw new NarwhalError(note.code, message, { cause: error })
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
    this.#order.onPhase({ type: 'phase', phase, durationMs, ...(images.length > 0 && { images }) })
    return result
  }

  /** Records whose fault it is if this part is the first to fail. */
  async #blame<Result>(
    faultOf: (error: unknown) => AttemptFault | undefined,
    work: Promise<Result>,
  ): Promise<Result> {
    try {
      return await work
    } catch (error) {
      this.#failure ??= { fault: faultOf(error) }
      throw error
    }
  }
}

async function makeWorkspace(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const message = `the runner can't create a workspace: ${describeError(error)}`
    throw new NarwhalError('unavailable', message, { cause: error })
  }
}
