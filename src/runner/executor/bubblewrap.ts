import { describeError, NarwhalError } from '../../lib/errors.ts'
import { type BubblewrapMode, MASK_FILE, sandboxArgs, WORKSPACE } from './bubblewrap-args.ts'
import {
  bubblewrapProgram,
  bubblewrapShell,
  findBubblewrapMode,
  giveWorkspace,
  shellFile,
  tryMode,
} from './bubblewrap-mode.ts'
import type { Executor, Sandbox, SandboxSpec, SandboxStep } from './executor.ts'
import { LocalSandboxes } from './local-sandboxes.ts'
import { PROCESS_MARK } from './process-search.ts'
import { refuseContainers } from './refuse-containers.ts'
import type { Scratch } from './scratch.ts'
import { STANDARD_PATH } from './standard-path.ts'

export interface BubblewrapExecutorOptions {
  /** The runner's name among all on this machine. */
  readonly instance: string
  /** Absolute paths that no job may see, besides those that never are visible: Narwhal's data. */
  readonly hide: readonly string[]
  /** The PATH of the steps; the system's own folders unless told. */
  readonly path?: string
}

/**
 * Jobs over this machine's own programs, isolated by bubblewrap: a read-only view of the system's
 * folders, everything else private (see bubblewrap-args.ts). Each step is a sandbox of its own in which
 * the job's workspace, home and /tmp are the same; what a step leaves in the background ends with it.
 *
 * Limits: the number of processes, where the sandbox has a user of its own, and no core dumps. Memory and
 * processors are not limited: address space is the only thing that could be (RLIMIT_AS), and
 * Node and Java reserve far more of it than they use.
 *
 * The steps' base environment: PATH and HOME.
 */
export class BubblewrapExecutor implements Executor {
  readonly engines = ['bubblewrap'] as const
  readonly #options: BubblewrapExecutorOptions
  readonly #sandboxes: LocalSandboxes
  #mode: Promise<BubblewrapMode | string> | undefined
  /** What kept it from making a sandbox without a network; empty when it can. */
  #noNetwork: Promise<string> | undefined

  constructor(options: BubblewrapExecutorOptions) {
    this.#options = options
    this.#sandboxes = new LocalSandboxes(options.instance)
  }

  async probe(): Promise<string> {
    const known = await this.#mode
    // What works goes on to work; what does not may have been mended.
    if (typeof known === 'string') this.#mode = undefined
    const mode = await this.#findMode()
    return typeof mode === 'string' ? mode : ''
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    refuseContainers(spec, 'only has bubblewrap')
    const mode = await this.#findMode()
    if (typeof mode === 'string') throw new NarwhalError('unavailable', mode)
    if (spec.network === 'none') await this.#checkNoNetwork(mode)
    return this.#sandboxes.open(async (scratch) => this.#parts(spec, mode, scratch), signal)
  }

  /** Ends and removes what a former process of this instance left behind; resolves to its number. */
  reap(): Promise<number> {
    return this.#sandboxes.reap()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sandboxes[Symbol.asyncDispose]()
  }

  #parts(spec: SandboxSpec, mode: BubblewrapMode, scratch: Scratch) {
    const path = this.#options.path ?? STANDARD_PATH
    const { hide } = this.#options
    let given = false
    return {
      name: spec.name,
      workspace: WORKSPACE,
      maskPath: MASK_FILE,
      // Bubblewrap ends every process of a step with the step.
      killAll: async () => {},
      shellFor: async (env: Readonly<Record<string, string>>) => {
        const base = { PATH: path, HOME: '/home/narwhal', [PROCESS_MARK]: scratch.mark }
        const file = await scratch.writeScript(0, shellFile(env))
        const { workspace, limits, network } = spec
        const view = { mode, workspace, scratch, hide, path, limits, network, file }
        return bubblewrapShell(mode, await sandboxArgs({ ...view, isShell: true }), base)
      },
      programFor: async (file: string, step: SandboxStep) => {
        // Not at the opening: the checkout may be made after it. Nothing of the job has run yet.
        if (!given) await giveWorkspace(mode, [spec.workspace, scratch.home])
        given = true
        const base = { PATH: path, HOME: '/home/narwhal', [PROCESS_MARK]: scratch.mark }
        const { workspace, limits, network } = spec
        const view = { mode, workspace, scratch, hide, path, limits, network, file }
        return bubblewrapProgram(mode, await sandboxArgs(view), base, step.env)
      },
    }
  }

  /** Elsewhere a step would fail for it, as if it were the user's fault. */
  async #checkNoNetwork(mode: BubblewrapMode): Promise<void> {
    this.#noNetwork ??= tryMode(mode, this.#options.instance, 'none').catch(describeError)
    const trouble = await this.#noNetwork
    if (trouble === '') return
    this.#noNetwork = undefined
    const words = `bubblewrap can't make a network of its own here (${trouble}): use Docker for \`network: none\``
    throw new NarwhalError('unavailable', words)
  }

  /** How bubblewrap works here, or why it does not; tried once until it is probed again. */
  #findMode(): Promise<BubblewrapMode | string> {
    this.#mode ??= findBubblewrapMode(this.#options.instance)
    return this.#mode
  }
}
