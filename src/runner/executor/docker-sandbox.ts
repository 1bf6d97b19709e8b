import { NarwhalError } from '../../lib/errors.ts'
import { SerialQueue } from '../../lib/serial-queue.ts'
import { checkStep } from './check-step.ts'
import type { JobContainer } from './docker-container.ts'
import type { StepEnd } from './docker-exec.ts'
import { WORKSPACE } from './docker-profile.ts'
import type {
  OutputListener,
  Sandbox,
  SandboxHandle,
  SandboxSpec,
  SandboxStep,
  StepExit,
} from './executor.ts'
import { PauseGate } from './pause-gate.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2

/** What tells one sandbox from another. */
export interface DockerSandboxParts {
  /** It is up. */
  readonly container: JobContainer
  readonly spec: SandboxSpec
  /** Called once it is gone. */
  readonly onRemoved: () => void
}

/**
 * One job's container: *up* from the start, *down* after a step was aborted or took the container with
 * it (all its processes are gone, its files are not; the next step starts it again), and *removed*
 * by the disposal. Invariant: at most one step runs, and only while it is up. Up or down, it may be
 * *paused* besides: then nothing is started.
 */
export class DockerSandbox implements Sandbox {
  readonly workspace = WORKSPACE
  readonly #container: JobContainer
  readonly #spec: SandboxSpec
  readonly #onRemoved: () => void
  readonly #closing = new AbortController()
  readonly #gate = new PauseGate()
  readonly #pauses = new SerialQueue()
  #steps = 0
  #oomKills = 0
  #running: Promise<unknown> = Promise.resolve()
  #removal: Promise<void> | undefined

  constructor({ container, spec, onRemoved }: DockerSandboxParts) {
    this.#container = container
    this.#spec = spec
    this.#onRemoved = onRemoved
  }

  run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    const run = this.#run(step, output, AbortSignal.any([signal, this.#closing.signal]))
    this.#running = run.catch(() => undefined)
    return run
  }

  get handle(): SandboxHandle {
    const { id, api, mustTidy } = this.#container.parts
    return { kind: 'container', host: api.address.url, id, remove: !mustTidy }
  }

  pause(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#gate.close()
      await this.#container.untilBegun()
      const { api, id } = this.#container.parts
      await api.pauseContainer(id)
    })
  }

  resume(): Promise<void> {
    return this.#pauses.run(async () => {
      const { api, id } = this.#container.parts
      await api.unpauseContainer(id)
      this.#gate.open()
    })
  }

  /** Whether the disposal was asked for; it may still be on its way, or have failed. */
  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Rejects when the engine is away; asked again, it tries again. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#removal ??= this.#remove().catch((error: unknown) => {
      this.#removal = undefined
      throw error
    })
    return this.#removal
  }

  async #run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    checkStep(step)
    signal.throwIfAborted()
    const container = this.#container
    try {
      if (!container.isUp) await this.#startAgain(signal)
      this.#steps += 1
      const numbered = { ...step, number: this.#steps }
      return await this.#exitOf(await container.run(numbered, this.#gate, output, signal))
    } catch (error) {
      // Whatever happened, nothing of this step may run on; if the engine is away, that is told below.
      await container.kill().catch(() => {})
      signal.throwIfAborted()
      throw error
    }
  }

  async #startAgain(signal: AbortSignal): Promise<void> {
    await this.#gate.pass(() => this.#container.start(), signal)
    this.#oomKills = 0
  }

  async #exitOf(end: StepEnd): Promise<StepExit> {
    if (end.kind === 'exited') {
      const killed = end.oomKills > this.#oomKills
      this.#oomKills = end.oomKills
      return killed && end.exitCode !== 0
        ? { exitCode: end.exitCode, note: this.#outOfMemory() }
        : { exitCode: end.exitCode }
    }
    const { image } = this.#container.parts
    if (end.kind === 'gone') await this.#container.kill()
    const state = await this.#container.inspect()
    if (!state) throw unavailable(`the container of ${this.#spec.name} is gone: it was removed`)
    if (end.kind === 'not_running') {
      const words = `the container of ${this.#spec.name} ended by itself (${state.exitCode})`
      throw unavailable(words)
    }
    if (!state.running) {
      await this.#container.kill()
      const note = state.oomKilled ? this.#outOfMemory() : 'the step ended its own container'
      return { exitCode: 137, note }
    }
    if (end.kind === 'lost' && end.exitCode !== undefined && end.exitCode > 128) {
      await this.#container.kill()
      return { exitCode: end.exitCode, note: 'the shell around the step was killed' }
    }
    const said = end.kind === 'lost' ? end.said : 'it did not end when it was killed'
    throw unavailable(`the container of image ${image} could not run the step: ${said}`)
  }

  #outOfMemory(): string {
    const bytes = this.#spec.limits.memoryBytes
    const [size, unit] = bytes >= GIB ? [bytes / GIB, 'GiB'] : [bytes / MIB, 'MiB']
    return `out of memory: the limit is ${Number(size.toFixed(1))} ${unit}`
  }

  async #remove(): Promise<void> {
    this.#closing.abort(
      new NarwhalError('cancelled', `the sandbox of ${this.#spec.name} is closed`),
    )
    await this.#running
    await this.#container.remove()
    this.#onRemoved()
  }
}

function unavailable(message: string): NarwhalError {
  return new NarwhalError('unavailable', message)
}
