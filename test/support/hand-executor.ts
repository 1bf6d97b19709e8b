import type { Engine } from '../../src/core/placement/placement.ts'
import { present } from '../../src/lib/present.ts'
import type {
  Executor,
  OutputListener,
  Sandbox,
  SandboxSpec,
  SandboxStep,
  StepExit,
} from '../../src/runner/executor/executor.ts'

/** One call of `Sandbox.run`, controlled by the test. */
export interface HandStep {
  readonly script: string
  readonly env: Readonly<Record<string, string>>
  readonly workspace: string
  write(text: string): void | Promise<void>
  exit(exitCode: number, note?: string): void
  fail(error: unknown): void
  readonly signal: AbortSignal
  readonly atOnce: AbortSignal | undefined
}

/** An executor that runs nothing: each step waits for the test to say what it does. */
export class HandExecutor implements Executor {
  readonly engines: readonly Engine[] = ['fake']
  readonly steps: HandStep[] = []
  readonly opened: SandboxSpec[] = []
  disposed = 0
  trouble = ''
  /** Called by `open` before there is a sandbox. */
  beforeOpen: (signal: AbortSignal) => Promise<void> = async () => {}
  /** Called by a sandbox's disposal. */
  onDispose: () => Promise<void> = async () => {}
  /** Called when a sandbox is paused (true) or resumed. */
  onPause: (paused: boolean) => Promise<void> | void = () => {}
  onStep: (step: HandStep) => void = () => {}

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    this.opened.push(spec)
    await this.beforeOpen(signal)
    return {
      workspace: spec.workspace.path,
      run: (step, output, stepSignal) => this.#run(spec, step, output, stepSignal),
      read: async () => undefined,
      archive: async function* () {},
      pause: async () => this.onPause(true),
      resume: async () => this.onPause(false),
      [Symbol.asyncDispose]: async () => {
        this.disposed += 1
        await this.onDispose()
      },
    }
  }

  async probe(): Promise<string> {
    return this.trouble
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #run(
    { workspace }: SandboxSpec,
    { script, env, atOnce }: SandboxStep,
    output: OutputListener,
    signal: AbortSignal,
  ): Promise<StepExit> {
    const { promise, resolve, reject } = Promise.withResolvers<StepExit>()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    const step: HandStep = {
      script,
      env,
      workspace: workspace.path,
      signal,
      atOnce,
      write: (text) => output('stdout', Buffer.from(text)),
      exit: (exitCode, note) => resolve({ exitCode, ...present({ note }) }),
      fail: reject,
    }
    this.steps.push(step)
    this.onStep(step)
    return promise
  }
}
