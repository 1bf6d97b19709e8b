import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withSignal } from '../../../../lib/async/with-signal.ts'
import { NarwhalError } from '../../../../lib/errors.ts'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import { startProgram } from '../../../../lib/programs/start-program.ts'
import { ENDED_PIPE, type StartedProgram } from '../../../../lib/programs/started-program.ts'
import type { HeldImage } from '../../../images/held-image.ts'
import type { ContainerOutput, ContainerState } from '../../containers/container-engine.ts'
import type { ContainerSpec } from '../../containers/container-spec.ts'
import type { FifoPaths } from '../../pipes/step-pipes.ts'
import { readStat } from '../../processes/process-search.ts'
import type { ContainerGroup } from '../cgroups/container-groups.ts'
import { launchCommand } from '../launch/launch-script.ts'
import { forget, runCommand } from '../runtime/runtime-commands.ts'
import type { RuntimeProgram } from '../runtime/trial-container.ts'
import type { OciSpec } from '../spec/oci-json.ts'
import { type ContainerTree, markOf } from '../trees/container-tree.ts'
import type { ContainerFiles } from './container-files.ts'
import { OutputPipes } from './output-pipes.ts'

export interface OciContainerParts {
  readonly id: string
  readonly spec: ContainerSpec
  /** Held until the container is removed. */
  readonly image: HeldImage
  readonly files: ContainerFiles
  readonly group: ContainerGroup
  readonly tree: ContainerTree
  readonly runtime: RuntimeProgram
  readonly stateRoot: string
  /** Where its overlay is mounted, in a namespace of its own. */
  readonly root: string
  /** Further options of the overlay. */
  readonly overlay: string
  readonly configure: () => Launch
  /** The namespaces in which its runtime is started, as options of nsenter. */
  readonly joins: readonly string[]
  readonly takeFifos: () => Promise<FifoPaths>
}

/** What may differ at each start. */
export interface Launch {
  /** The command prefix for a program in the container's network. */
  readonly enter: readonly string[]
  readonly config: OciSpec
}

interface Run {
  readonly program: StartedProgram
  readonly launch: Launch
  /** Never rejects. */
  readonly ended: Promise<number>
}

/** How often a start is looked at, in milliseconds. */
const LOOK_MS = 2
/** As a shell has it for a command that can't be executed. */
const NO_PROGRAM = 127
const MAX_SHOWN = 400

/**
 * One container: *created*, *running* from `start` until it ends, and *created* again, with its files; finally
 * *removed*. Its runtime is a child of this process, in the container's control groups, and ends with it.
 */
export class OciContainer {
  readonly parts: OciContainerParts
  #run: Run | undefined
  /** The last one. */
  #launching: Promise<Run> | undefined
  #output: OutputPipes | undefined
  #exitCode = 0
  #oomKills = 0
  #oomKilled = false

  constructor(parts: OciContainerParts) {
    this.parts = parts
  }

  /** How it was started, while it runs. */
  get launch(): Launch | undefined {
    return this.#run?.launch
  }

  /** The pid of its runtime, while it runs. */
  get launcher(): number | undefined {
    return this.#run?.program.pid()
  }

  /**
   * The command prefix for a further program in it: the runtime enters those of its namespaces that it has made, and
   * not those in which it was started itself.
   */
  get join(): readonly string[] {
    return ['nsenter', `--target=${this.launcher}`, ...this.parts.joins, '--']
  }

  get state(): ContainerState {
    const running = this.#run !== undefined
    return { running, oomKilled: this.#oomKilled, exitCode: this.#exitCode }
  }

  /** The pid of its first process on this machine; undefined if it has none. */
  get pid(): number | undefined {
    const { runtime } = this.parts
    try {
      const state = JSON.parse(readFileSync(this.#stateFile, 'utf8')) as Record<string, unknown>
      const pid = Number(state[runtime.name === 'crun' ? 'pid' : 'init_process_pid'])
      return pid > 0 ? pid : undefined
    } catch {
      return undefined
    }
  }

  /** What it prints from its next start on. */
  async attach(): Promise<ContainerOutput> {
    this.#output = new OutputPipes(await this.parts.takeFifos())
    return this.#output
  }

  /** Idempotent. Rejects with `invalid` if its program can't be executed. */
  async start(): Promise<void> {
    if (this.#run) return
    const { group, files, spec, id } = this.parts
    await this.#forget()
    files.prepareLaunch({ root: this.parts.root, options: this.parts.overlay })
    this.#oomKilled = false
    this.#oomKills = group.refusals().oomKills
    this.#launching = this.#launch()
    const started = await this.#launching
    this.#run = started
    while (this.#run === started && !this.#hasBegun) await sleep(LOOK_MS)
    const trouble = this.#isAlive ? group.trouble(this.pid, spec.limits) : ''
    // Without its first process nothing that was seen of its groups holds.
    if (this.#isAlive) {
      if (trouble === '') return
      await this.kill()
      const words = `the limits of container ${id} are not in force: ${trouble}`
      throw new NarwhalError('unavailable', words)
    }
    const code = await started.ended
    // It may have done already all that it was to do.
    if (!files.hasRun) throw this.#didNotStart(code)
  }

  /** Resolves to its exit code when it is not running. */
  async wait(signal: AbortSignal): Promise<number> {
    return this.#run ? await withSignal(this.#run.ended, signal) : this.#exitCode
  }

  async kill(): Promise<void> {
    await this.#launching?.catch(() => {})
    const run = this.#run
    run?.program.kill('SIGKILL')
    await this.parts.group.kill(this.launcher)
    await run?.ended
    // What was started just before it has entered its groups.
    if (run) await this.parts.group.kill(this.launcher)
  }

  /** Everything but its folder and its record. */
  async remove(): Promise<void> {
    await this.kill()
    this.#output?.hangUp()
    await this.#forget()
    await this.parts.group[Symbol.asyncDispose]()
  }

  async #launch(): Promise<Run> {
    const { id, group, files, runtime, stateRoot } = this.parts
    const launch = this.parts.configure()
    const { enter, config } = launch
    writeFileSync(files.config, JSON.stringify(config), { mode: 0o600 })
    const command = launchCommand({
      enter,
      folder: files.path,
      doors: group.doorsFor(runtime),
      command: [...runCommand(runtime, { stateRoot, bundle: files.path, log: files.log }), id],
    })
    const output = this.#output
    const program = await startProgram(command, {
      cwd: '/',
      env: { ...PROGRAM_ENV, ...markOf(this.parts.tree) },
      // Never /dev/null: crun 1.8 makes the container's root the owner of its own streams, also of a device.
      input: ENDED_PIPE,
      ...(output ? { output: output.paths } : {}),
    })
    void program.begun.then(() => output?.handOver())
    // What the launch itself prints; a container for steps prints nothing.
    let said = ''
    program.stdout.resume()
    program.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-MAX_SHOWN)
    })
    const ended = program.ended.then(
      ({ code }) => this.#onEnd(code, said),
      (error: unknown) => this.#onEnd(NO_PROGRAM, String(error)),
    )
    return { program, launch, ended }
  }

  #said = ''

  #onEnd(code: number, said: string): number {
    const logged = this.parts.files.readLog()
    this.#said = (logged || said).trim().slice(-MAX_SHOWN)
    // Only the runtime writes there: then the program has not run, whatever code the runtime has.
    this.#exitCode = logged !== '' && isAboutProgram(logged) ? NO_PROGRAM : code
    this.#oomKilled = this.parts.group.refusals().oomKills > this.#oomKills
    this.#run = undefined
    return this.#exitCode
  }

  /** Whether the runtime has handed over to its program. runc has a state before that, and a FIFO until then. */
  get #hasBegun(): boolean {
    const { id, stateRoot } = this.parts
    return existsSync(this.#stateFile) && !existsSync(join(stateRoot, id, 'exec.fifo'))
  }

  /** Whether its first process runs; one that has ended is in no control group, even if it is still listed. */
  get #isAlive(): boolean {
    const { pid } = this
    const [state] = pid === undefined ? [] : readStat(String(pid))
    return state !== undefined && state !== 'Z' && state !== 'X'
  }

  get #stateFile(): string {
    return this.parts.tree.stateFile
  }

  /** What its runtime still knows of it, which it would not be started again with. */
  async #forget(): Promise<void> {
    const { id, runtime, stateRoot } = this.parts
    const path = join(stateRoot, id)
    if (!existsSync(path)) return
    if (runtime.name === 'runc') await forget({ id, runtime, stateRoot })
    rmSync(path, { recursive: true, force: true })
  }

  #didNotStart(code: number): NarwhalError {
    const { image } = this.parts.spec
    const why = this.#said || `exit code ${code}`
    if (code !== NO_PROGRAM) {
      return new NarwhalError(
        'unavailable',
        `a container of image ${image} can't be started: ${why}`,
      )
    }
    // Each runtime has words of its own.
    const what = /\/bin\/sh\b/.test(why) ? 'it has no /bin/sh' : why
    return new NarwhalError('invalid', `a container of image ${image} can't be started: ${what}`)
  }
}

function isAboutProgram(logged: string): boolean {
  return /executable file|exec:|exec format error/i.test(logged)
}
