import { setTimeout as sleep } from 'node:timers/promises'
import type { ImageRun } from '../../../../core/attempt/image-run.ts'
import { describeError, NarwhalError } from '../../../../lib/errors.ts'
import type { Logger } from '../../../../lib/log.ts'
import type { SandboxLimits } from '../../executor.ts'
import type { Workspace } from '../../workspace.ts'
import type { JobPlace } from '../container-networks.ts'
import type { JobContainer } from '../job-container.ts'
import { type ImageUse, shareOut } from './image-use.ts'

/** A container that was started before its job is known, with an empty workspace mounted. */
export interface WarmContainer {
  /** The kind of its jobs: see `warmKey`. */
  readonly kind: string
  /** The full reference of its image. */
  readonly image: string
  readonly imageId: string
  readonly workspace: Workspace
  readonly limits: SandboxLimits
  readonly container: JobContainer
  /** Its images, for the attempt's record. */
  readonly images: readonly ImageRun[]
  readonly place: JobPlace
}

export interface WarmPoolDeps {
  /** Containers at most, including those that are starting. */
  readonly size: number
  readonly uses: ImageUse
  /** Starts one; undefined if the engine does not have the image. `onGone`: it has ended. */
  readonly make: (kind: string, onGone: () => void) => Promise<WarmContainer | undefined>
  /** Removes an unused one, with its workspace; never rejects. */
  readonly discard: (warm: WarmContainer) => Promise<void>
  /** Whether no job is running, which starting a container would slow down. */
  readonly isQuiet: () => boolean
  /** Free share of the machine's memory, 0 to 1. */
  readonly freeMemory: () => number
  readonly log: Logger
}

/** How long to wait for a moment without jobs before starting one anyway, in milliseconds. */
const MAX_WAIT_MS = 3_000
const POLL_MS = 50
const RETRY_MS = 5_000
/** Retry interval for images that could not be used, in milliseconds. */
const MISSING_MS = 60_000
const DECAY_MS = 3_600_000
/** With a smaller share of free memory nothing is started. */
const SPARE_MEMORY = 0.1

/**
 * Warm containers, each for one job: *wanted*, *made*, *waiting*, and *taken* or *discarded*. One is made at
 * a time, while no job is running or after a timeout. Those that end by themselves, as when the engine
 * restarts, are replaced.
 */
export class WarmPool implements AsyncDisposable {
  readonly #deps: WarmPoolDeps
  readonly #waiting: WarmContainer[] = []
  /** Kinds whose image is missing or unusable, and until when (`performance.now()`) that is believed. */
  readonly #missing = new Map<string, number>()
  readonly #closing = new AbortController()
  readonly #timer: NodeJS.Timeout
  #retry: NodeJS.Timeout | undefined
  #tending: Promise<void> | undefined
  #isAskedAgain = false

  constructor(deps: WarmPoolDeps) {
    this.#deps = deps
    // Scores decay, and nothing else may happen for days.
    this.#timer = setInterval(() => this.tend(), DECAY_MS)
    this.#timer.unref()
  }

  get size(): number {
    return this.#waiting.length
  }

  take(kind: string): WarmContainer | undefined {
    const index = this.#waiting.findIndex((one) => one.kind === kind && one.container.isUp)
    const [taken] = index < 0 ? [] : this.#waiting.splice(index, 1)
    this.tend()
    return taken
  }

  /** Starts and discards containers in the background as needed. */
  tend(): void {
    if (this.#closing.signal.aborted) return
    clearTimeout(this.#retry)
    this.#isAskedAgain = true
    this.#tending ??= this.#tend().finally(() => {
      this.#tending = undefined
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    clearInterval(this.#timer)
    clearTimeout(this.#retry)
    await this.#tending
    await Promise.all(this.#waiting.splice(0).map((one) => this.#deps.discard(one)))
    await this.#deps.uses.saved()
  }

  async #tend(): Promise<void> {
    while (this.#isAskedAgain && !this.#closing.signal.aborted) {
      this.#isAskedAgain = false
      try {
        await this.#discardUnwanted()
        await this.#makeNext()
      } catch (error) {
        const reason = describeError(error)
        this.#deps.log.warn({ reason }, 'starting a warm sandbox failed: retrying later')
        this.#retry = setTimeout(() => this.tend(), RETRY_MS)
        this.#retry.unref()
        return
      }
    }
  }

  async #discardUnwanted(): Promise<void> {
    const room = this.#wanted()
    const unwanted = this.#waiting.filter(({ kind, container }) => {
      const left = container.isUp ? (room.get(kind) ?? 0) : 0
      room.set(kind, left - 1)
      return left <= 0
    })
    for (const one of unwanted) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1)
      await this.#deps.discard(one)
    }
  }

  async #makeNext(): Promise<void> {
    await this.#untilQuiet()
    if (this.#closing.signal.aborted || this.#deps.freeMemory() < SPARE_MEMORY) return
    const kind = [...this.#wanted()].find(
      ([name, count]) => this.#waiting.filter((one) => one.kind === name).length < count,
    )?.[0]
    if (kind === undefined) return
    const made = await this.#deps
      .make(kind, () => this.tend())
      .catch((error: unknown) => {
        const { code } = NarwhalError.from(error)
        // Not retried: an image without a shell stays unusable.
        if (code !== 'invalid') throw error
      })
    if (made) this.#waiting.push(made)
    else this.#missing.set(kind, performance.now() + MISSING_MS)
    this.#isAskedAgain = true
  }

  #wanted(): Map<string, number> {
    const { uses, size } = this.#deps
    const now = performance.now()
    const there = uses.ranking().filter(({ image }) => (this.#missing.get(image) ?? 0) <= now)
    return shareOut(there, size)
  }

  async #untilQuiet(): Promise<void> {
    const deadline = performance.now() + MAX_WAIT_MS
    // With a delay: one that was just taken is about to be opened.
    do {
      await sleep(POLL_MS, undefined, { signal: this.#closing.signal }).catch(() => {})
      if (this.#closing.signal.aborted) return
    } while (!this.#deps.isQuiet() && performance.now() < deadline)
  }
}
