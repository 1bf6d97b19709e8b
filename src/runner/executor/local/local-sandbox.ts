import { Pending } from '../../../lib/async/pending.ts'
import { SerialQueue } from '../../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { FifoStock } from '../../../lib/pipes/fifo-stock.ts'
import { deletedBytes } from '../../disk/deleted-files.ts'
import { measureFolders, type NamedFolder, withDeleted } from '../../disk/measure-folders.ts'
import { checkStep } from '../check-step.ts'
import type {
  ArchiveOptions,
  MaskFile,
  OutputListener,
  Sandbox,
  SandboxDisk,
  SandboxFiles,
  SandboxHandle,
  SandboxStep,
  StepExit,
} from '../executor.ts'
import { PauseGate } from '../pause-gate.ts'
import { askTree } from '../processes/ask-tree.ts'
import { inContainer, type ProcessSearch, withMark } from '../processes/process-search.ts'
import { type Process, TreeStop } from '../processes/process-tree.ts'
import { archiveBySteps } from '../reading/archive-files.ts'
import { type ReadingPlace, readBySteps } from '../reading/read-file.ts'
import type { SandboxShell } from '../sandbox-shell.ts'
import { StepGrace } from '../step-grace.ts'
import { filesIn } from './bounds/sandbox-files.ts'
import { type LocalProgram, runLocal } from './local-step.ts'
import { maskFileAt } from './open-mask-file.ts'
import type { Scratch } from './scratch.ts'

/** The program of a step, by the pid that it gets. */
export interface StepProgram extends Omit<LocalProgram, 'fifos' | 'gate' | 'lastMoment'> {
  /** The processes that are asked to end when the step is aborted. */
  readonly list: (pid: number) => Promise<readonly Process[]>
}

export interface LocalSandboxParts {
  readonly name: string
  /** Path for the steps. */
  readonly workspace: string
  /** The folder of this machine that it is. */
  readonly folder: string
  readonly scratch: Scratch
  readonly folders: readonly NamedFolder[]
  readonly fifos: FifoStock
  /** Path of the scratch folder's `maskFile` for the steps. */
  readonly maskPath: string
  /** Path of the scratch folder's `steps` for the steps. */
  readonly stepsPath: string
  /** The program that runs the script in this file. */
  readonly programFor: (scriptFile: string, step: SandboxStep) => Promise<StepProgram>
  /** How long a step that is aborted may take to end, in milliseconds. */
  readonly graceMs: number
  /** An interactive shell with this environment. */
  readonly shellFor: (env: Readonly<Record<string, string>>) => Promise<SandboxShell>
  /** What an exit code other than 0 does not tell; called once after each such end. */
  readonly explain?: () => string | undefined
  /** Kills leftover processes of steps. */
  readonly killAll: () => Promise<void>
  /** For the job's log. */
  readonly notes?: readonly string[]
  /** Called once nothing runs any more; removes the sandbox's parts. */
  readonly onClosed: () => Promise<void>
}

/** A sandbox whose steps are processes of this machine; open, paused or not, until its disposal. */
export class LocalSandbox implements Sandbox {
  readonly #parts: LocalSandboxParts
  readonly #closing = new AbortController()
  readonly #gate = new PauseGate()
  readonly #pauses = new SerialQueue()
  readonly #stop: TreeStop
  #steps = 0
  readonly #running = new Pending()
  readonly #grace: StepGrace
  readonly files: SandboxFiles
  #removal: Promise<void> | undefined

  constructor(parts: LocalSandboxParts) {
    this.#parts = parts
    const { graceMs } = parts
    this.#grace = new StepGrace({ graceMs, gate: this.#gate, closing: this.#closing.signal })
    this.files = filesIn(() => [parts.scratch.steps], parts.stepsPath)
    this.#stop = new TreeStop(withMark((mark) => mark === parts.scratch.mark))
  }

  get workspace(): string {
    return this.#parts.workspace
  }

  get notes(): readonly string[] {
    return this.#parts.notes ?? []
  }

  get maskFile(): MaskFile {
    const { maskPath, scratch } = this.#parts
    return maskFileAt(maskPath, scratch.maskFile)
  }

  get disk(): SandboxDisk {
    const { folders, scratch } = this.#parts
    const isOurs = withMark((mark) => mark === scratch.mark)
    // The control group has the mark's name, and no process can leave it.
    const inGroup = inContainer(scratch.mark)
    const search: ProcessSearch = (pid) => (inGroup(pid) === 'ours' ? 'ours' : isOurs(pid))
    return {
      folders: folders.map(({ path }) => path),
      measure: async (signal) => {
        const use = await measureFolders(folders, signal)
        const bytes = await deletedBytes(search)
        return bytes > 0 ? withDeleted(use, bytes) : use
      },
    }
  }

  shell({ env }: Pick<SandboxStep, 'env'>): Promise<SandboxShell> {
    return this.#parts.shellFor(env)
  }

  get handle(): SandboxHandle {
    return { kind: 'processes', mark: this.#parts.scratch.mark }
  }

  pause(): Promise<void> {
    return this.#pauses.run(async () => {
      await this.#gate.close()
      await this.#stop.stop()
    })
  }

  resume(): Promise<void> {
    return this.#pauses.run(async () => {
      this.#stop.resume()
      this.#gate.open()
    })
  }

  run(step: SandboxStep, output: OutputListener, signal: AbortSignal): Promise<StepExit> {
    return this.#running.add(this.#run(step, output, signal))
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
    return { run: (...args) => this.run(...args), folder: this.#parts.folder }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#removal ??= this.#remove()
    return this.#removal
  }

  async #run(step: SandboxStep, output: OutputListener, asked: AbortSignal): Promise<StepExit> {
    checkStep(step)
    const until = AbortSignal.any([asked, this.#closing.signal])
    until.throwIfAborted()
    this.#steps += 1
    const { scratch, programFor } = this.#parts
    const file = await scratch.writeScript(this.#steps, step.script)
    const own = await programFor(file, step)
    const running = runLocal(
      {
        ...own,
        fifos: this.#parts.fifos,
        gate: this.#gate,
        interleaved: step.interleaved,
        end: step.background?.end,
        lastMoment: (pid) =>
          this.#grace.lastMoment(step, asked, (over) => askTree(() => own.list(pid), over)),
        kill: async (pid) => {
          if (!step.background) await this.#grace.untilOthersEnd()
          await own.kill(pid)
        },
      },
      output,
      until,
    )
    const exitCode = await (step.background ? this.#grace.inBackground(running, asked) : running)
    const note = exitCode === 0 ? undefined : this.#parts.explain?.()
    return note === undefined ? { exitCode } : { exitCode, note }
  }

  async #remove(): Promise<void> {
    this.#closing.abort(
      new NarwhalError('cancelled', `the sandbox of ${this.#parts.name} is closed`),
    )
    await this.#running.settled()
    await this.#parts.killAll()
    await this.#parts.onClosed()
  }
}
