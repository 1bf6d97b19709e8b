import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../lib/errors.ts'
import { SerialQueue } from '../../lib/serial-queue.ts'
import { checkStep } from './check-step.ts'
import type { DockerApi } from './docker-api.ts'
import { orByHand } from './docker-by-hand.ts'
import { WORKSPACE } from './docker-profile.ts'
import { runDockerStep, type StepEnd } from './docker-step.ts'
import type {
  OutputListener,
  Sandbox,
  SandboxHandle,
  SandboxSpec,
  SandboxStep,
  StepExit,
} from './executor.ts'
import { PauseGate } from './pause-gate.ts'

/** How long a pause waits for a step that is about to begin, in milliseconds. */
const LONGEST_BEGIN_MS = 1_000
const GIB = 1024 ** 3
const MIB = 1024 ** 2

/** A container that its executor has created and started. */
export interface OwnedContainer {
  readonly id: string
  readonly image: string
  /** Whether its root can leave files in the workspace that the runner could not remove. */
  readonly mustTidy: boolean
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
  readonly #api: DockerApi
  readonly #container: OwnedContainer
  readonly #spec: SandboxSpec
  readonly #closing = new AbortController()
  readonly #gate = new PauseGate()
  readonly #pauses = new SerialQueue()
  #up = true
  /** The command of the step that runs or ran last. */
  #exec: string | undefined
  #steps = 0
  #oomKills = 0
  #running: Promise<unknown> = Promise.resolve()
  #removal: Promise<void> | undefined

  constructor(api: DockerApi, container: OwnedContainer, spec: SandboxSpec) {
    this.#api = api
    this.#container = container
    this.#spec = spec
  }

  run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    const run = this.#run(step, output, AbortSignal.any([signal, this.#closing.signal]))
    this.#running = run.catch(() => undefined)
    return run
  }

  get handle(): SandboxHandle {
    const { id, mustTidy } = this.#container
    return { kind: 'container', host: this.#api.address.url, id, remove: !mustTidy }
  }

  pause(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#gate.close()
      await this.#untilBegun()
      await this.#api.pauseContainer(this.#container.id)
    })
  }

  resume(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#api.unpauseContainer(this.#container.id)
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
    const { id } = this.#container
    if (!this.#up) {
      await this.#gate.pass(() => this.#api.startContainer(id), signal)
      this.#up = true
      this.#oomKills = 0
    }
    this.#steps += 1
    try {
      const numbered = { ...step, number: this.#steps }
      const place = { api: this.#api, container: id, gate: this.#gate, onStart: this.#onStart }
      return await this.#exitOf(await runDockerStep(place, numbered, output, signal))
    } catch (error) {
      // Whatever happened, nothing of this step may run on; if the engine is away, that is told below.
      this.#up = false
      await orByHand(id, this.#api.killContainer(id)).catch(() => {})
      signal.throwIfAborted()
      throw error
    }
  }

  readonly #onStart = (exec: string) => void (this.#exec = exec)

  /** The engine answers before a command runs, and it would refuse to begin it in a paused container. */
  async #untilBegun(): Promise<void> {
    const exec = this.#exec
    if (exec === undefined) return
    const deadline = performance.now() + LONGEST_BEGIN_MS
    while (!(await this.#api.hasExecBegun(exec)) && performance.now() < deadline) await sleep(5)
  }

  async #exitOf(end: StepEnd): Promise<StepExit> {
    if (end.kind === 'exited') {
      const killed = end.oomKills > this.#oomKills
      this.#oomKills = end.oomKills
      return killed && end.exitCode !== 0
        ? { exitCode: end.exitCode, note: this.#outOfMemory() }
        : { exitCode: end.exitCode }
    }
    const { image, id } = this.#container
    const state = await this.#api.inspectContainer(id)
    if (!state) throw unavailable(`the container of ${this.#spec.name} is gone: it was removed`)
    if (end.kind === 'not_running') throw this.#didNotStart(state.exitCode)
    if (!state.running) {
      this.#up = false
      const note = state.oomKilled ? this.#outOfMemory() : 'the step ended its own container'
      return { exitCode: 137, note }
    }
    if (end.exitCode !== undefined && end.exitCode > 128) {
      this.#up = false
      await this.#api.killContainer(id)
      return { exitCode: end.exitCode, note: 'the shell around the step was killed' }
    }
    throw unavailable(`the container of image ${image} could not run the step: ${end.said}`)
  }

  #didNotStart(exitCode: number): NarwhalError {
    const { image } = this.#container
    if (this.#steps > 1 || (exitCode !== 126 && exitCode !== 127)) {
      return unavailable(`the container of ${this.#spec.name} ended by itself (${exitCode})`)
    }
    const wanted = 'steps need /bin/sh, head and sleep in the image'
    return new NarwhalError('invalid', `image ${image} can't run steps: ${wanted}`)
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
    // A workspace that could not be tidied is less trouble than a container that stays.
    if (this.#container.mustTidy) await tidyWorkspace(this.#api, this.#container.id).catch(() => {})
    const { id } = this.#container
    await orByHand(id, this.#api.removeContainer(id))
    this.#container.onRemoved()
  }
}

const EVERYTHING = `${WORKSPACE}/* ${WORKSPACE}/.[!.]* ${WORKSPACE}/..?*`
const TIDY_MS = 60_000

/** Empties the workspace from inside, where root is the one who wrote there. */
export async function tidyWorkspace(api: DockerApi, id: string): Promise<void> {
  await api.killContainer(id)
  await api.startContainer(id)
  const step = { script: `rm -rf -- ${EVERYTHING}`, env: {}, number: 0 }
  const place = { api, container: id, gate: new PauseGate() }
  await runDockerStep(place, step, () => {}, AbortSignal.timeout(TIDY_MS))
}

function unavailable(message: string): NarwhalError {
  return new NarwhalError('unavailable', message)
}
