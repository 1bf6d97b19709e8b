import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceSpec } from '../../../../core/plan/plan.ts'
import { describeError, NarwhalError } from '../../../../lib/errors.ts'
import type { ServiceEvent, StepExit } from '../../executor.ts'
import type { ContainerEngine, ContainerOutput } from '../container-engine.ts'
import { execOnce } from '../steps/exec-once.ts'
import { type ReadyTries, untilReady } from './ready-check.ts'

export interface ServiceParts {
  readonly engine: ContainerEngine
  readonly id: string
  readonly service: ServiceSpec
  readonly onEvent: (event: ServiceEvent) => void | Promise<void>
  /** Runs a script until it exits with 0, in the network of this container. */
  readonly watch: (container: string, script: string, signal: AbortSignal) => Promise<void>
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
    const { engine, id, service, onEvent } = this.#parts
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
    if (!service.ready) return
    try {
      await this.#untilReady(service.ready, signal)
    } catch (error) {
      signal.throwIfAborted()
      const reason = describeError(error)
      await onEvent({ type: 'failed', reason })
      throw error
    }
  }

  /** Removes it; its output and end are not reported any more. */
  async remove(): Promise<void> {
    const { engine, id } = this.#parts
    this.#closing.abort()
    await engine.remove(id)
  }

  async #untilReady(check: NonNullable<ServiceSpec['ready']>, signal: AbortSignal): Promise<void> {
    const { engine, id, watch } = this.#parts
    const tries: ReadyTries = { last: '' }
    const late = AbortSignal.timeout(check.timeoutMs)
    const probe = {
      run: (script: string, until: AbortSignal) =>
        execOnce(engine, id, ['/bin/sh', '-c', script], until),
      watch: (script: string, until: AbortSignal) => watch(id, script, until),
    }
    try {
      const until = AbortSignal.any([signal, late, this.#over.signal])
      await untilReady(check, probe, tries, until)
      this.#over.signal.throwIfAborted()
    } catch (error) {
      signal.throwIfAborted()
      // Its end may be visible only a moment after the engine has refused to run a command in it.
      const state = await engine.inspect(id)
      if (state && !state.running) {
        // What it has printed may still be on its way.
        await Promise.race([this.#followed, sleep(LAST_WORDS_MS, undefined, { ref: false })])
        throw this.#failed(`ended with exit code ${state.exitCode} before it was ready`)
      }
      if (late.aborted) {
        const why = tries.last === '' ? '' : ` (${tries.last})`
        throw this.#failed(`was not ready within ${check.timeoutMs / 1000} s${why}`)
      }
      throw this.#failed(`can't be checked for readiness: ${describeError(error)}`)
    }
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
