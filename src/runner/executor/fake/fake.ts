import { Pending } from '../../../lib/async/pending.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { checkStep } from '../check-step.ts'
import type {
  ArchiveOptions,
  Executor,
  OutputListener,
  Sandbox,
  SandboxSpec,
  SandboxStep,
  StepExit,
} from '../executor.ts'
import { PauseGate } from '../pause-gate.ts'
import { FakeFiles } from './fake-files.ts'
import { type Course, runFakeScript } from './fake-script.ts'

/**
 * An executor without processes, for scenarios and load tests: a step's script is in the language of
 * fake-script.ts, and so is a service's command. Images whose reference begins with `missing` can't be
 * pulled.
 *
 * It checks its callers. It throws `internal` for what the port forbids: two concurrent runs in one sandbox,
 * except in the background, an image that the sandbox was not opened with, a run after disposal, two open
 * sandboxes of the same name, an open after the executor's disposal. `openSandboxes` lists those that nobody
 * has disposed of.
 */
export class FakeExecutor implements Executor {
  readonly engines = ['fake'] as const
  readonly #open = new Map<string, FakeSandbox>()
  #closed = false

  /** Names of the open sandboxes, in order of opening. */
  get openSandboxes(): readonly string[] {
    return [...this.#open.keys()]
  }

  async probe(): Promise<string> {
    return ''
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    signal.throwIfAborted()
    if (this.#closed) throw misuse('a sandbox was opened after the disposal of its executor')
    if (this.#open.has(spec.name)) throw misuse(`sandbox ${spec.name} was opened twice`)
    const { image, images = [], services = [] } = spec
    for (const one of [image, ...images, ...services.map((service) => service.image)]) {
      if (!one?.startsWith('missing')) continue
      const words = `image ${one} can't be pulled: the fake engine does not have it`
      throw new NarwhalError('not_found', words)
    }
    const sandbox = new FakeSandbox(spec, () => this.#open.delete(spec.name))
    this.#open.set(spec.name, sandbox)
    await sandbox.startServices()
    return sandbox
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open.values()].map((sandbox) => sandbox[Symbol.asyncDispose]()))
  }
}

/** Idle* or *running* one step, besides those in the background; paused or not; finally *disposed*. */
class FakeSandbox implements Sandbox {
  readonly #files = new FakeFiles()
  readonly workspace = this.#files.workspace
  readonly #spec: SandboxSpec
  readonly #forget: () => void
  readonly #closing = new AbortController()
  readonly #gate = new PauseGate()
  readonly #running = new Pending()
  #isBusy = false

  constructor(spec: SandboxSpec, forget: () => void) {
    this.#spec = spec
    this.#forget = forget
  }

  /** A service's command is a script; it is ready at once. */
  async startServices(): Promise<void> {
    const { services = [], onService } = this.#spec
    const course = { gate: this.#gate, signal: this.#closing.signal, files: this.#files }
    for (const [index, { env, command = [] }] of services.entries()) {
      await onService?.(index, { type: 'started' })
      if (command.length === 0) continue
      const output: OutputListener = (stream, chunk) =>
        onService?.(index, { type: 'output', stream, chunk })
      const run = runFakeScript({ script: command.join(' '), env }, output, course)
      void this.#running.add(run.then((exit) => onService?.(index, { type: 'ended', exit })))
    }
  }

  async run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    const { name, images = [] } = this.#spec
    if (this.#closing.signal.aborted) throw misuse(`a step was run in ${name} after its end`)
    if (this.#isBusy && !step.background) throw misuse(`two steps were run in ${name} at once`)
    if (step.image !== undefined && !images.includes(step.image)) {
      throw misuse(`a step was run with image ${step.image}, which ${name} was not opened with`)
    }
    checkStep(step)
    const until = AbortSignal.any([signal, this.#closing.signal])
    if (step.background) return await this.#running.add(this.#runInBackground(step, output, until))
    this.#isBusy = true
    try {
      return await this.#running.add(runFakeScript(step, output, this.#course(until)))
    } finally {
      this.#isBusy = false
    }
  }

  async read(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    await this.#untilIdle('read', signal)
    return this.#files.read(path, maxBytes)
  }

  async *archive(
    patterns: readonly string[],
    options: ArchiveOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#untilIdle('archived', options.signal)
    yield* this.#files.archive(patterns, options)
  }

  /** Resolves when something that counts as a step may start, which is not while it is paused. */
  async #untilIdle(what: string, signal: AbortSignal): Promise<void> {
    const { name } = this.#spec
    if (this.#closing.signal.aborted) throw misuse(`a file was ${what} in ${name} after its end`)
    if (this.#isBusy) throw misuse(`a file was ${what} in ${name} while a step ran`)
    const until = AbortSignal.any([signal, this.#closing.signal])
    until.throwIfAborted()
    await this.#running.add(this.#gate.whenOpen(until))
  }

  /** Ends on request, like a process without a handler for SIGTERM. */
  async #runInBackground(
    step: SandboxStep,
    output: OutputListener,
    until: AbortSignal,
  ): Promise<StepExit> {
    const end = step.background?.end
    const signal = end ? AbortSignal.any([until, end]) : until
    try {
      return await runFakeScript(step, output, this.#course(signal))
    } catch (error) {
      until.throwIfAborted()
      if (end?.aborted) return { exitCode: 143 }
      throw error
    }
  }

  #course(signal: AbortSignal): Course {
    return { gate: this.#gate, signal, files: this.#files }
  }

  async pause(): Promise<void> {
    await this.#gate.close()
  }

  async resume(): Promise<void> {
    this.#gate.open()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(
      new NarwhalError('cancelled', `the sandbox of ${this.#spec.name} is closed`),
    )
    await this.#running.settled()
    this.#forget()
  }
}

function misuse(message: string): NarwhalError {
  return new NarwhalError('internal', message)
}
