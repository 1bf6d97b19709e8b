import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { OutputListener, SandboxStep } from '../executor.ts'
import { PauseGate } from '../pause-gate.ts'
import type { ContainerEngine, ContainerExec, ContainerState } from './container-engine.ts'
import { WORKSPACE } from './container-profile.ts'
import type { ContainerFolder, NamedPipes } from './steps/container-folder.ts'
import { ControlChannel } from './steps/control-channel.ts'
import { execOnce } from './steps/exec-once.ts'
import { execShell } from './steps/exec-shell.ts'
import type { StepEnd } from './steps/step-end.ts'
import { CONTROL_DIR } from './steps/supervisor.ts'

/** How long a pause waits for a step that is starting, in milliseconds. */
const LONGEST_BEGIN_MS = 1_000
/** How long a reachable supervisor may be silent before it counts as broken, in milliseconds. */
const SILENCE_MS = 60_000

/**
 * Properties of an engine: whether FIFOs work across the border of its containers. They don't if it runs in a
 * virtual machine; that shows when the first supervisor stays silent.
 */
export interface EngineTraits {
  fifos: 'unknown' | 'work' | 'fail'
  /** How long to wait for the first message of the first supervisor, in milliseconds. */
  readonly firstWordMs: number
  /** Whether its containers are known to see the runner's files. */
  sharesFiles?: true
}

export interface ContainerParts {
  readonly engine: ContainerEngine
  readonly id: string
  /** The full reference, for messages. */
  readonly image: string
  readonly folder: ContainerFolder
  readonly traits: EngineTraits
  /** Whether its root can leave files in the workspace that the runner can't remove. */
  readonly mustTidy: boolean
}

/** A step with its number in the container, from 1. */
export type NumberedStep = SandboxStep & { readonly number: number }

/**
 * A container that was created: *down* at first, *up* between `start` and `kill`, or until it ends by itself
 * (`isUp` notices). Its supervisor runs the steps, one at a time; steps in the background, and all steps
 * where FIFOs don't work, are run by the engine's `exec`.
 */
export class JobContainer {
  readonly parts: ContainerParts
  #channel: ControlChannel | undefined
  #byExec = false
  #isUp = false
  /** Whether a step has run in the background: another may follow. */
  #hasBackground = false
  #next: Promise<NamedPipes> | undefined
  /**
   * Resolves to the exit code once the container has ended. It is watched all the time, since the watch also
   * breaks off when the engine goes down, and then nothing may run on.
   */
  #ended: Promise<number> = Promise.resolve(0)
  #watch = new AbortController()
  #exec: ContainerExec | undefined

  constructor(parts: ContainerParts) {
    this.parts = parts
  }

  get isUp(): boolean {
    return this.#isUp && !this.#channel?.isGone
  }

  /**
   * Resolves when it can run steps. Rejects with `invalid` when the image has no shell, `unavailable` when
   * the engine or the container fails; then the container must be removed.
   */
  async start(onGone: () => void = () => {}): Promise<void> {
    const { engine, id, folder, traits } = this.parts
    this.#close()
    if (traits.fifos !== 'fail') {
      await folder.placeControl()
      this.#channel = new ControlChannel(folder.control, onGone)
    }
    await engine.start(id)
    this.#isUp = true
    const ended = engine.wait(id, this.#watch.signal)
    ended.catch(() => {
      if (this.#ended === ended) this.#isUp = false
    })
    this.#ended = ended
    this.#byExec = this.#channel === undefined || !(await this.#isReady(this.#channel))
    folder.hideControl()
    if (this.#byExec) await this.#checkFolder()
    if (!this.#byExec) this.#prepare()
  }

  /** Runs a step to its end; rejects with the signal's reason, in which case it may still be running. */
  async run(
    step: NumberedStep,
    gate: PauseGate,
    output: OutputListener,
    signal: AbortSignal,
  ): Promise<StepEnd> {
    if (step.background) this.#hasBackground = true
    try {
      return await (this.#channel && !this.#byExec && !step.background
        ? this.#runByFifos(this.#channel, { step, gate, output, signal })
        : this.#runByExec({ step, gate, output, signal }))
    } finally {
      this.parts.folder.removeStep(step.number)
    }
  }

  /** The engine answers before a command runs, and would refuse to start it in a paused container. */
  async untilBegun(): Promise<void> {
    const exec = this.#exec
    if (!exec) return
    const deadline = performance.now() + LONGEST_BEGIN_MS
    while (!(await exec.hasBegun()) && performance.now() < deadline) await sleep(5)
  }

  inspect(): Promise<ContainerState | undefined> {
    return this.parts.engine.inspect(this.parts.id)
  }

  /** Kills all its processes; its files stay, and it can be restarted. */
  async kill(): Promise<void> {
    const { engine, id } = this.parts
    this.#isUp = false
    await engine.kill(id)
  }

  /** Removes it, and what it wrote into the workspace if the runner can't. */
  async remove(): Promise<void> {
    const { engine, id, mustTidy, folder } = this.parts
    this.#isUp = false
    // Also if the engine is down: open descriptors would keep this process alive.
    this.#close()
    await this.#next?.then(
      ({ pipes }) => pipes[Symbol.asyncDispose](),
      () => {},
    )
    this.#next = undefined
    // Files left in a workspace are less harmful than a leaked container.
    if (mustTidy) await tidyWorkspace(engine, id).catch(() => {})
    await engine.remove(id)
    await folder.remove()
  }

  /** Waits for the supervisor's first message; false: it can't be reached, though the container runs. */
  async #isReady(channel: ControlChannel): Promise<boolean> {
    const { image, traits } = this.parts
    const stop = new AbortController()
    const ended = this.#ended.then((code) => {
      throw this.#didNotStart(code)
    })
    ended.catch(() => {})
    const timeoutMs = traits.fifos === 'work' ? SILENCE_MS : traits.firstWordMs
    const late = sleep(timeoutMs, 'late' as const, { signal: stop.signal })
    late.catch(() => {})
    try {
      if ((await Promise.race([channel.ready, ended, late])) !== 'late') {
        traits.fifos = 'work'
        return true
      }
    } finally {
      stop.abort()
    }
    if (traits.fifos === 'work') {
      throw unavailable(`a container of image ${image} was not ready within ${timeoutMs / 1000} s`)
    }
    traits.fifos = 'fail'
    return false
  }

  /** Podman makes a folder that it is told to mount and does not have: on another machine, all are empty. */
  async #checkFolder(): Promise<void> {
    const { engine, id, folder, traits } = this.parts
    if (traits.sharesFiles) return
    folder.placeScript(0, '')
    const command = ['/bin/sh', '-c', `[ -f ${CONTROL_DIR}/step-0 ]`]
    const { exitCode } = await execOnce(engine, id, command, AbortSignal.timeout(SILENCE_MS))
    folder.removeStep(0)
    if (exitCode === 0) traits.sharesFiles = true
    else throw unavailable(`a container does not see the runner's files in ${folder.path}: ${FAR}`)
  }

  async #runByFifos(channel: ControlChannel, run: StepRun): Promise<StepEnd> {
    const { folder } = this.parts
    const { step, gate, output, signal } = run
    const named = await (this.#next ?? folder.openPipes())
    this.#next = undefined
    await using pipes = named.pipes
    const isBackground = this.#hasBackground
    folder.placeStep(step, named, isBackground)
    const { began, ended } = await gate.pass(
      async () => channel.start(step.number, isBackground),
      signal,
    )
    void began.then(() => {
      folder.hideStep(step.number)
      this.#prepare()
    })
    const gone = this.#ended.then((): StepEnd => ({ kind: 'gone' }))
    return await pipes.deliver(Promise.race([ended, gone]), output, signal)
  }

  /** Releases what this process holds of the container's last run. */
  #close(): void {
    this.#channel?.[Symbol.dispose]()
    this.#channel = undefined
    this.#watch.abort()
    this.#watch = new AbortController()
  }

  async #runByExec({ step, gate, output, signal }: StepRun): Promise<StepEnd> {
    const { engine, id, folder } = this.parts
    folder.placeScript(step.number, step.script)
    const shell = {
      args: ['-e', `${CONTROL_DIR}/step-${step.number}`],
      env: step.env,
      number: step.number,
      ...present({ interleaved: step.interleaved, end: step.background?.end }),
    }
    const onStart = (exec: ContainerExec) => void (this.#exec = exec)
    return execShell({ engine, container: id, gate, onStart }, shell, output, signal)
  }

  /** Opens the pipes of the next step while nobody waits for them. */
  #prepare(): void {
    this.#next ??= this.parts.folder.openPipes()
    this.#next.catch(() => {
      this.#next = undefined
    })
  }

  #didNotStart(exitCode: number): NarwhalError {
    const { image } = this.parts
    if (exitCode !== 126 && exitCode !== 127) {
      return unavailable(`a container of image ${image} ended by itself (${exitCode})`)
    }
    return new NarwhalError('invalid', `image ${image} can't run steps: it has no /bin/sh`)
  }
}

const FAR = "the engine has to see the runner's data folder at the same path"

interface StepRun {
  readonly step: NumberedStep
  readonly gate: PauseGate
  readonly output: OutputListener
  readonly signal: AbortSignal
}

const EVERYTHING = `${WORKSPACE}/* ${WORKSPACE}/.[!.]* ${WORKSPACE}/..?*`
const TIDY_MS = 60_000

/** Empties the workspace from inside the container, whose root wrote there. */
export async function tidyWorkspace(engine: ContainerEngine, id: string): Promise<void> {
  await engine.kill(id)
  await engine.start(id)
  const shell = { args: ['-c', `rm -rf -- ${EVERYTHING}`], env: {} }
  const place = { engine, container: id, gate: new PauseGate() }
  await execShell(place, shell, () => {}, AbortSignal.timeout(TIDY_MS))
}

function unavailable(message: string): NarwhalError {
  return new NarwhalError('unavailable', message)
}
