import { NarwhalError } from '../../lib/errors.ts'
import { checkStep } from './check-step.ts'
import type {
  Executor,
  OutputListener,
  Sandbox,
  SandboxSpec,
  SandboxStep,
  StepExit,
} from './executor.ts'
import { runFakeScript } from './fake-script.ts'
import { PauseGate } from './pause-gate.ts'

/**
 * An executor without processes, for scenarios and load tests: a step's script is read as the little
 * language of fake-script.ts. An image whose reference begins with `missing` can't be had.
 *
 * It polices its callers. It throws NarwhalError `internal` for what the port forbids: two runs at
 * once in one sandbox, a run after the disposal, two open sandboxes of the same name, an open after
 * the executor's disposal. `openSandboxes` tells what nobody has disposed of.
 */
export class FakeExecutor implements Executor {
  readonly engines = ['fake'] as const
  readonly #open = new Map<string, FakeSandbox>()
  #closed = false

  /** The names of the sandboxes that are open, in the order of their opening. */
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
    if (spec.image?.startsWith('missing')) {
      throw new NarwhalError(
        'not_found',
        `image ${spec.image} can't be pulled: the fake engine does not have it`,
      )
    }
    const sandbox = new FakeSandbox(spec.name, () => this.#open.delete(spec.name))
    this.#open.set(spec.name, sandbox)
    return sandbox
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open.values()].map((sandbox) => sandbox[Symbol.asyncDispose]()))
  }
}

/** *Idle* or *running* one step, paused or not, or *disposed* for ever. */
class FakeSandbox implements Sandbox {
  readonly workspace = '/workspace'
  readonly #name: string
  readonly #forget: () => void
  readonly #closing = new AbortController()
  readonly #gate = new PauseGate()
  readonly #outputs: string[] = []
  #running: Promise<unknown> | undefined

  constructor(name: string, forget: () => void) {
    this.#name = name
    this.#forget = forget
  }

  async run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    if (this.#closing.signal.aborted) throw misuse(`a step was run in ${this.#name} after its end`)
    if (this.#running) throw misuse(`two steps were run in ${this.#name} at once`)
    checkStep(step)
    const until = AbortSignal.any([signal, this.#closing.signal])
    const run = runFakeScript(step, output, {
      gate: this.#gate,
      signal: until,
      outputs: this.#outputs,
    })
    this.#running = run.catch(() => undefined)
    try {
      return await run
    } finally {
      this.#running = undefined
    }
  }

  async pause(): Promise<void> {
    await this.#gate.close()
  }

  async resume(): Promise<void> {
    this.#gate.open()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(new NarwhalError('cancelled', `the sandbox of ${this.#name} is closed`))
    await this.#running
    this.#forget()
  }
}

function misuse(message: string): NarwhalError {
  return new NarwhalError('internal', message)
}
