import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../../lib/errors.ts'
import type { ServiceEvent, StepExit } from '../../executor.ts'
import type { ContainerOutput } from '../container-engine.ts'
import { NotReady, type ReadinessParts, untilServiceReady } from './readiness.ts'

export interface ServiceParts extends ReadinessParts {
  readonly onEvent: (event: ServiceEvent) => void | Promise<void>
}

const TAIL_BYTES = 2_000
const SHOWN_LINES = 3
/** How long the output of a service that has ended is waited for, in milliseconds. */
const LAST_WORDS_MS = 2_000

/** The container of a service: *created*, and *running* from `start` until it ends or is removed. */
export class ServiceContainer {
  readonly id: string
  readonly #parts: ServiceParts
  readonly #over = new AbortController()
  readonly #closing = new AbortController()
  #tail = ''
  #followed: Promise<void> | undefined

  constructor(parts: ServiceParts) {
    this.id = parts.id
    this.#parts = parts
  }

  /** Starts it and resolves when it is ready; rejects with the signal's reason, or with why it is not. */
  async start(signal: AbortSignal): Promise<void> {
    const { engine, id, onEvent } = this.#parts
    // Attached before the start, so that no output is missed. Podman prepares its command at this moment.
    const output = await engine.attach(id).catch((error: unknown) => {
      throw this.#refused(error)
    })
    try {
      await engine.start(id)
    } catch (error) {
      output.hangUp()
      throw this.#refused(error)
    }
    await onEvent({ type: 'started' })
    this.#followed = this.#follow(output)
    try {
      await untilServiceReady(this.#parts, this.#over.signal, signal)
    } catch (cause) {
      signal.throwIfAborted()
      const error = await this.#notReady(cause)
      await onEvent({ type: 'failed', reason: error.message })
      throw error
    }
  }

  /** Removes it; its output and end are not reported any more. */
  async remove(): Promise<void> {
    const { engine, id } = this.#parts
    this.#closing.abort()
    await engine.remove(id)
  }

  async #notReady(cause: unknown): Promise<NarwhalError> {
    const { engine, id } = this.#parts
    // Its end may be visible only a moment after the engine has refused to run a command in it.
    const state = await engine.inspect(id)
    if (state && !state.running) {
      // What it has printed may still be on its way.
      await Promise.race([this.#followed, sleep(LAST_WORDS_MS, undefined, { ref: false })])
      return this.#failed(`ended with exit code ${state.exitCode} before it was ready`)
    }
    return cause instanceof NotReady ? this.#failed(cause.message) : NarwhalError.from(cause)
  }

  /** Forwards its output, and reports how it ended unless the runner ended it. */
  async #follow(output: ContainerOutput): Promise<void> {
    const { engine, id, onEvent } = this.#parts
    const ended = engine.wait(id, this.#closing.signal)
    ended.catch(() => {})
    for await (const some of output.parts) {
      for (const { stream, chunk } of some) {
        this.#tail = (this.#tail + chunk).slice(-TAIL_BYTES)
        await onEvent({ type: 'output', stream, chunk })
      }
    }
    output.hangUp()
    try {
      const exitCode = await ended
      this.#over.abort()
      if (!this.#closing.signal.aborted)
        await onEvent({ type: 'ended', exit: await this.#exitOf(exitCode) })
    } catch {
      // The engine is down, or it is being removed.
      this.#over.abort()
    }
  }

  async #exitOf(exitCode: number): Promise<StepExit> {
    const state = await this.#parts.engine.inspect(this.id)
    return state?.oomKilled ? { exitCode, note: 'out of memory' } : { exitCode }
  }

  #failed(what: string): NarwhalError {
    const lines = this.#tail
      .split('\n')
      .map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').trim())
      .filter((line) => line !== '')
    const tail =
      lines.length === 0 ? '' : `; its last output: ${lines.slice(-SHOWN_LINES).join(' | ')}`
    return new NarwhalError('invalid', `service ${this.#parts.service.name} ${what}${tail}`)
  }

  /** If a container can't be started, its command is usually wrong. */
  #refused(error: unknown): NarwhalError {
    const { name, command } = this.#parts.service
    const known = NarwhalError.from(error)
    const isItsFault = /exec|executable|entrypoint/i.test(known.message) && command !== undefined
    const words = `service ${name} can't be started: ${known.message}`
    return new NarwhalError(isItsFault ? 'invalid' : known.code, words, { cause: error })
  }
}
