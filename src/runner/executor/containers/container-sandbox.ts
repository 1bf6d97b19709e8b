import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ImageRun } from '../../../core/attempt/image-run.ts'
import { parseImageReference } from '../../../core/image-reference.ts'
import { Pending } from '../../../lib/async/pending.ts'
import { SerialQueue } from '../../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { checkStep } from '../check-step.ts'
import type {
  ArchiveOptions,
  MaskFile,
  OutputListener,
  Sandbox,
  SandboxDisk,
  SandboxFiles,
  SandboxHandle,
  SandboxSpec,
  SandboxStep,
  StepExit,
} from '../executor.ts'
import { outOfMemory, tooManyProcesses } from '../local/bounds/limit-notes.ts'
import type { Refusals } from '../local/bounds/sandbox-cgroups.ts'
import { filesIn } from '../local/bounds/sandbox-files.ts'
import { maskFileAt } from '../local/open-mask-file.ts'
import { PauseGate } from '../pause-gate.ts'
import { archiveBySteps } from '../reading/archive-files.ts'
import { type ReadingPlace, readBySteps } from '../reading/read-file.ts'
import { type SandboxShell, SHELL_SCRIPT } from '../sandbox-shell.ts'
import { StepGrace } from '../step-grace.ts'
import type { ContainerEngine } from './container-engine.ts'
import { idsOf, type JobContainers } from './container-maker.ts'
import { MASK_FILE, WORKSPACE } from './container-profile.ts'
import type { JobContainer, NumberedStep } from './job-container.ts'
import { askToEnd } from './steps/ask-to-end.ts'
import { NO_REFUSALS } from './steps/refusals.ts'
import type { StepEnd } from './steps/step-end.ts'
import { CONTROL_DIR, WITHOUT_MARK } from './steps/supervisor.ts'

export interface ContainerSandboxParts {
  readonly engine: ContainerEngine
  /** The main one is up; others are started when a step needs them. */
  readonly containers: JobContainers
  readonly spec: SandboxSpec
  /** How long a step that is aborted may take to end after SIGTERM, in milliseconds; 0: it is killed at once. */
  readonly graceMs: number
  readonly onRemoved: () => void
}

/**
 * The containers of one job. The main one is *up* from the start, and *down* after a step was aborted or
 * ended it (all processes are gone, the files are not; the next step restarts it); disposal *removes* all of
 * them. Those of other images share its network, so they go down with it. Up or down, everything may also be
 * *paused*: then nothing is started. Invariant: at most one step runs, apart from those in the background,
 * and only while its container is up.
 */
export class ContainerSandbox implements Sandbox {
  readonly workspace = WORKSPACE
  readonly files: SandboxFiles = filesIn(
    () => this.#forSteps.map(({ parts }) => parts.folder.control),
    CONTROL_DIR,
  )
  readonly #engine: ContainerEngine
  readonly #containers: JobContainers
  readonly #spec: SandboxSpec
  readonly #grace: StepGrace
  readonly #onRemoved: () => void
  readonly #closing = new AbortController()
  readonly #gate = new PauseGate()
  readonly #pauses = new SerialQueue()
  readonly #starts = new SerialQueue()
  /** As of the last step. */
  readonly #refusals = new Map<JobContainer, Refusals>()
  readonly #running = new Pending()
  /** What aborts the step that runs in a container. */
  readonly #asked = new Map<JobContainer, AbortSignal>()
  #steps = 0
  #given: Promise<void> | undefined
  #disk: SandboxDisk | undefined
  #removal: Promise<void> | undefined

  /** Set by `open`. */
  images: readonly ImageRun[] = []

  constructor({ engine, containers, spec, graceMs, onRemoved }: ContainerSandboxParts) {
    this.#grace = new StepGrace({ graceMs, gate: this.#gate, closing: this.#closing.signal })
    this.#engine = engine
    this.#containers = containers
    this.#spec = spec
    this.#onRemoved = onRemoved
  }

  run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    const until = AbortSignal.any([signal, this.#closing.signal])
    return this.#running.add(
      step.background
        ? this.#runInBackground(step, output, { asked: signal, until })
        : this.#run(step, output, { asked: signal, until }),
    )
  }

  read(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return readBySteps(this.#reading, { path, maxBytes }, signal)
  }

  archive(
    patterns: readonly string[],
    options: ArchiveOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return archiveBySteps(this.#reading.run, patterns, options)
  }

  get #reading(): ReadingPlace {
    return { run: (...args) => this.run(...args), folder: this.#spec.workspace.path }
  }

  get notes(): readonly string[] {
    return [...this.#engine.notes, ...this.#containers.place.notes]
  }

  get maskFile(): MaskFile {
    return maskFileAt(MASK_FILE, this.#containers.main.parts.folder.maskFile)
  }

  get disk(): SandboxDisk {
    this.#disk ??= this.#engine.diskOf(idsOf(this.#containers), this.#spec.workspace.path)
    return this.#disk
  }

  get handle(): SandboxHandle {
    const { mustTidy } = this.#containers.main.parts
    return this.#engine.handleOf(idsOf(this.#containers), !mustTidy)
  }

  async shell(step: Pick<SandboxStep, 'env' | 'image'>): Promise<SandboxShell> {
    const container = this.#containerOf(step)
    await this.#startFor(container, this.#closing.signal)
    const command = ['/bin/sh', '-c', `${WITHOUT_MARK}\n${SHELL_SCRIPT}`]
    return this.#engine.shell(container.parts.id, { command, env: step.env })
  }

  pause(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#gate.close()
      await Promise.all(this.#forSteps.map((one) => one.untilBegun()))
      await this.#engine.pause(this.#ids)
    })
  }

  resume(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#engine.resume(this.#ids)
      this.#gate.open()
    })
  }

  /** Whether disposal was requested; it may be in progress, or have failed. */
  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Rejects when the engine is down; call it again to retry. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#removal ??= this.#remove().catch((error: unknown) => {
      this.#removal = undefined
      throw error
    })
    return this.#removal
  }

  get #forSteps(): readonly JobContainer[] {
    return [this.#containers.main, ...this.#containers.others.values()]
  }

  get #ids(): readonly string[] {
    const { main, others } = idsOf(this.#containers)
    return [main, ...others]
  }

  async #run(
    step: SandboxStep,
    output: OutputListener,
    { asked, until: signal }: Asked,
  ): Promise<StepExit> {
    checkStep(step)
    signal.throwIfAborted()
    const container = this.#containerOf(step)
    try {
      await this.#startFor(container, signal)
      await this.#give()
      this.#asked.set(container, asked)
      const ask = (over: AbortSignal) => askToEnd(this.#engine, container.parts.id, over)
      using last = this.#grace.lastMoment(step, asked, ask)
      const end = await container.run(this.#number(step), this.#gate, output, last.signal)
      signal.throwIfAborted()
      return await this.#exitOf(container, end)
    } catch (error) {
      await this.#grace.untilOthersEnd()
      // Whatever happened, nothing of this step may run on; if the engine is down, that is reported below.
      await this.#killAll().catch(() => {})
      signal.throwIfAborted()
      throw error
    } finally {
      this.#asked.delete(container)
    }
  }

  /** Its end does not end the container, but another step's may. */
  async #runInBackground(
    step: SandboxStep,
    output: OutputListener,
    { asked, until: signal }: Asked,
  ): Promise<StepExit> {
    checkStep(step)
    signal.throwIfAborted()
    const container = this.#containerOf(step)
    await this.#startFor(container, signal)
    await this.#give()
    const end = new AbortController()
    const onEnd = (): void => {
      // Once is enough: an aborted step is asked to end already.
      if (!asked.aborted) end.abort()
    }
    const ask = async (): Promise<void> => {
      await nextTurn()
      // If another one is aborted, too, everything in their container is asked.
      if (!this.#asked.get(container)?.aborted) end.abort()
    }
    step.background?.end.addEventListener('abort', onEnd)
    if (step.background?.end.aborted) onEnd()
    using last = this.#grace.lastMoment(step, asked, ask)
    const own = { ...this.#number(step), background: { end: end.signal } }
    const running = container.run(own, this.#gate, output, last.signal)
    try {
      const ended = await this.#grace.inBackground(running, asked)
      signal.throwIfAborted()
      return backgroundExit(ended)
    } finally {
      step.background?.end.removeEventListener('abort', onEnd)
    }
  }

  /** Not at the opening: the checkout may be made after it. */
  #give(): Promise<void> {
    const { id } = this.#containers.main.parts
    this.#given ??= this.#engine.giveWorkspace(id, this.#spec.workspace.path)
    return this.#given
  }

  #containerOf({ image }: Pick<SandboxStep, 'image'>): JobContainer {
    const { main, others } = this.#containers
    if (image === undefined) return main
    const { full } = parseImageReference(image)
    const other = full === main.parts.image ? main : others.get(full)
    if (!other) throw new NarwhalError('internal', `the sandbox has no container of image ${full}`)
    return other
  }

  #number(step: SandboxStep): NumberedStep {
    this.#steps += 1
    return { ...step, number: this.#steps }
  }

  /** Starts containers one at a time: two steps may need the same one. */
  #startFor(container: JobContainer, signal: AbortSignal): Promise<void> {
    const { main } = this.#containers
    if (main.isUp && container.isUp) return Promise.resolve()
    return this.#starts.run(async () => {
      if (!main.isUp) {
        // Containers that are still up use the network of one that is gone.
        await this.#killOthers()
        await this.#gate.pass(() => main.start(), signal)
        this.#refusals.delete(main)
      }
      if (container.isUp) return
      await this.#gate.pass(() => container.start(), signal)
      this.#refusals.delete(container)
    })
  }

  async #killAll(): Promise<void> {
    await Promise.all([this.#containers.main.kill(), this.#killOthers()])
  }

  async #killOthers(): Promise<void> {
    const up = [...this.#containers.others.values()].filter(({ isUp }) => isUp)
    await Promise.all(up.map((one) => one.kill()))
  }

  async #exitOf(container: JobContainer, end: StepEnd): Promise<StepExit> {
    if (end.kind === 'exited') {
      const { exitCode, refusals } = end
      const before = this.#refusals.get(container) ?? NO_REFUSALS
      this.#refusals.set(container, refusals)
      if (exitCode === 0) return { exitCode }
      if (refusals.oomKills > before.oomKills) return { exitCode, note: this.#outOfMemory() }
      if (refusals.forks === before.forks) return { exitCode }
      return { exitCode, note: tooManyProcesses(this.#spec.limits.processes) }
    }
    const { image } = container.parts
    if (end.kind === 'gone') await container.kill()
    const state = await container.inspect()
    if (!state) throw unavailable(`the container of ${this.#spec.name} is gone: it was removed`)
    if (end.kind === 'not_running') {
      const words = `the container of ${this.#spec.name} ended by itself (${state.exitCode})`
      throw unavailable(words)
    }
    if (!state.running) {
      await container.kill()
      const note = state.oomKilled ? this.#outOfMemory() : 'the step ended its own container'
      return { exitCode: 137, note }
    }
    if (end.kind === 'lost' && end.exitCode !== undefined && end.exitCode > 128) {
      await container.kill()
      return { exitCode: end.exitCode, note: 'the shell around the step was killed' }
    }
    const tail = end.kind === 'lost' ? end.tail : 'it did not end when it was killed'
    throw unavailable(`the container of image ${image} could not run the step: ${tail}`)
  }

  #outOfMemory(): string {
    return outOfMemory(this.#spec.limits.memoryBytes)
  }

  async #remove(): Promise<void> {
    this.#closing.abort(
      new NarwhalError('cancelled', `the sandbox of ${this.#spec.name} is closed`),
    )
    await this.#running.settled()
    const { main, others, services, place } = this.#containers
    const sharing = Promise.all([...others.values()].map((one) => one.remove()))
    // Podman removes no container before those that share its network.
    const last = sharing.catch(() => {}).then(() => main.remove())
    await Promise.all([sharing, last, services?.remove()])
    // Only now is it empty.
    await place.release()
    this.#onRemoved()
  }
}

/** What ends a step: its caller, or also the sandbox. */
interface Asked {
  readonly asked: AbortSignal
  readonly until: AbortSignal
}

function backgroundExit(end: StepEnd): StepExit {
  if (end.kind === 'exited') return { exitCode: end.exitCode }
  if (end.kind === 'lost' && end.exitCode !== undefined) return { exitCode: end.exitCode }
  return { exitCode: 137, note: 'its container was ended' }
}

function unavailable(message: string): NarwhalError {
  return new NarwhalError('unavailable', message)
}
