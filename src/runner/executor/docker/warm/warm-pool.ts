import { setTimeout as sleep } from 'node:timers/promises'
import type { ImageRun } from '../../../../core/attempt/image-run.ts'
import { describeError, NarwhalError } from '../../../../lib/errors.ts'
import type { Logger } from '../../../../lib/log.ts'
import type { SandboxLimits } from '../../executor.ts'
import type { Workspace } from '../../workspace.ts'
import type { JobContainer } from '../docker-container.ts'
import type { JobPlace } from '../engine/docker-networks.ts'
import { type ImageUse, shareOut } from './image-use.ts'

/** A container that was started before its job is known, with an empty workspace mounted. */
export interface WarmContainer {
  /** For which jobs it is: see `warmKey`. */
  readonly kind: string
  /** The full reference by which its image is asked for. */
  readonly image: string
  /** What the reference meant when it was started. */
  readonly imageId: string
  readonly workspace: Workspace
  readonly limits: SandboxLimits
  readonly container: JobContainer
  /** What it is made of, for the record. */
  readonly images: readonly ImageRun[]
  readonly place: JobPlace
}

export interface WarmPoolDeps {
  /** How many containers there may be, those that are being started included. */
  readonly size: number
  readonly uses: ImageUse
  /** Starts one; undefined where the engine does not have the image. `onGone`: it has ended. */
  readonly make: (kind: string, onGone: () => void) => Promise<WarmContainer | undefined>
  /** Removes one that no job has had, with its workspace; never rejects. */
  readonly discard: (warm: WarmContainer) => Promise<void>
  /** Whether no job is at work, which the making would slow down. */
  readonly isQuiet: () => boolean
  /** The share of the machine's memory that is free, 0 to 1. */
  readonly freeMemory: () => number
  readonly log: Logger
}

/** So long the making waits for a moment without jobs, in milliseconds. */
const LONGEST_WAIT_MS = 3_000
const LOOK_MS = 50
const RETRY_MS = 5_000
/** What could not be used is tried again after so long, in milliseconds. */
const MISSING_MS = 60_000
const FORGET_MS = 3_600_000
/** With less of the memory free than this share nothing is made. */
const SPARE_MEMORY = 0.1

/**
 * Containers in wait for jobs, each for one job: it is *wanted*, is *made*, *waits*, and is *taken* or
 * *discarded*. One is made at a time, when no job is at work or none has stopped for a while.
 * Those that end by themselves, as when the engine is started again, are replaced.
 */
export class WarmPool implements AsyncDisposable {
  readonly #deps: WarmPoolDeps
  readonly #waiting: WarmContainer[] = []
  /** Kinds whose image can't be had or used, until when (`performance.now()`) that is believed. */
  readonly #missing = new Map<string, number>()
  readonly #closing = new AbortController()
  readonly #timer: NodeJS.Timeout
  #retry: NodeJS.Timeout | undefined
  #tending: Promise<void> | undefined
  #isAskedAgain = false

  constructor(deps: WarmPoolDeps) {
    this.#deps = deps
    // Images fade, and nothing else may happen for days.
    this.#timer = setInterval(() => this.tend(), FORGET_MS)
    this.#timer.unref()
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length
  }

  /** Gives one of this kind away for good. */
  take(kind: string): WarmContainer | undefined {
    const index = this.#waiting.findIndex((one) => one.kind === kind && one.container.isUp)
    const [taken] = index < 0 ? [] : this.#waiting.splice(index, 1)
    this.tend()
    return taken
  }

  /** Sees in the background to what is wanted now. */
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
        this.#deps.log.warn({ reason }, 'no sandbox could be started ahead; will try again')
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
        // Of no use: an image without a shell stays so.
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
    const deadline = performance.now() + LONGEST_WAIT_MS
    // Not at once: what has just been taken is about to be opened.
    do {
      await sleep(LOOK_MS, undefined, { signal: this.#closing.signal }).catch(() => {})
      if (this.#closing.signal.aborted) return
    } while (!this.#deps.isQuiet() && performance.now() < deadline)
  }
}
