import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, NarwhalError } from '../../../lib/errors.ts'
import type { Logger } from '../../../lib/log.ts'
import { type Connection, noConnection } from '../../network/job-networks.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import type { Executor, Sandbox, SandboxSpec, SandboxStep } from '../executor.ts'
import { PROCESS_MARK } from '../processes/process-search.ts'
import { refuseContainers } from '../refuse-containers.ts'
import {
  type BubblewrapMode,
  MASK_FILE,
  STEPS_FOLDER,
  sandboxArgs,
  WORKSPACE,
} from './bubblewrap-args.ts'
import { type Box, type BoxMeans, findMeans, missingIn, openBox } from './bubblewrap-box.ts'
import {
  bubblewrapProgram,
  bubblewrapShell,
  findBubblewrapMode,
  giveWorkspace,
  type ModeTrial,
  shellFile,
  tryMode,
} from './bubblewrap-mode.ts'
import { LocalSandboxes } from './local-sandboxes.ts'
import type { Scratch } from './scratch.ts'
import { STANDARD_PATH } from './standard-path.ts'

export interface BubblewrapExecutorOptions {
  /** Unique name of the runner on this machine. */
  readonly instance: string
  /** Absolute paths that no job may see, in addition to those that never are visible: Narwhal's data. */
  readonly hide: readonly string[]
  /** Networks of the jobs; disposed of by the caller, after this. */
  readonly networks: NetworkSource
  /** The PATH of the steps; the system's folders by default. */
  readonly path?: string
  /** For scratch folders; the machine's temporary folder by default. */
  readonly folder?: string
  /** How long an aborted step may take to end, in milliseconds; by default it is killed at once. */
  readonly graceMs?: number
  readonly log?: Logger
}

interface SandboxPlace {
  readonly box: Box
  readonly connection: Connection
  readonly scratch: Scratch
}

/**
 * Runs jobs with this machine's own programs, isolated by bubblewrap: a read-only view of the system's
 * folders, everything else private (see bubblewrap-args.ts). Each step is a sandbox of its own, with the
 * workspace, home and /tmp of the job; processes that a step leaves behind are killed with it.
 *
 * Limits: memory, processors and the number of processes by control groups of its own, as far as there are any;
 * the number of processes else by its own user or user namespace. No core dumps. System calls are filtered (see seccomp/).
 *
 * The steps' base environment: PATH and HOME.
 */
export class BubblewrapExecutor implements Executor {
  readonly engines = ['bubblewrap'] as const
  readonly #options: BubblewrapExecutorOptions
  readonly #sandboxes: LocalSandboxes
  #isToldOf = false
  #found: BoxMeans | undefined
  #mode: Promise<BubblewrapMode | string> | undefined
  /** Why a sandbox without a network can't be made; empty when it can. */
  #noNetwork: Promise<string> | undefined

  constructor(options: BubblewrapExecutorOptions) {
    this.#options = options
    this.#sandboxes = new LocalSandboxes(options.instance, options.folder)
  }

  async probe(): Promise<string> {
    const known = await this.#mode
    // What works is assumed to keep working; what does not may have been fixed.
    if (typeof known === 'string') this.#mode = undefined
    const mode = await this.#findMode()
    return typeof mode === 'string' ? mode : this.#options.networks.trouble
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    refuseContainers(spec, 'only has bubblewrap')
    const mode = await this.#findMode()
    if (typeof mode === 'string') throw new NarwhalError('unavailable', mode)
    const { limits } = spec
    return this.#sandboxes.open(async (scratch, owned) => {
      const connection = owned.use(await this.#connect(spec))
      if (connection.kind === 'none') await this.#checkNoNetwork(mode)
      const box = await openBox({ mode, means: this.#means(), scratch, limits }, owned)
      return this.#parts(spec, { box, connection, scratch })
    }, signal)
  }

  /** Ends and removes what a previous process of this instance left behind; resolves to its number. */
  async reap(): Promise<number> {
    const left = await this.#sandboxes.reap()
    await this.#means().groups.sweep()
    return left
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sandboxes[Symbol.asyncDispose]()
    this.#found?.groups[Symbol.dispose]()
  }

  async #connect({ network, isStranger }: SandboxSpec): Promise<Connection> {
    if (network === 'none') return noConnection('')
    const networks = await this.#options.networks.get()
    return networks.connect(isStranger ? 'strangers' : 'own')
  }

  async #parts(spec: SandboxSpec, { box, connection, scratch }: SandboxPlace) {
    const path = this.#options.path ?? STANDARD_PATH
    const { hide } = this.#options
    const { enter, notes } = connection
    const start = { ...box, enter }
    const network = connection.kind === 'none' ? ('none' as const) : undefined
    const resolvConf = await writeResolvConf(scratch, connection)
    let given = false
    return {
      notes,
      name: spec.name,
      workspace: WORKSPACE,
      folder: spec.workspace.path,
      maskPath: MASK_FILE,
      folders: [
        { path: spec.workspace.path, name: WORKSPACE },
        { path: scratch.tmp, name: '/tmp' },
        { path: scratch.shm, name: '/dev/shm' },
        { path: scratch.home, name: '/home/narwhal' },
      ],
      explain: box.explain,
      stepsPath: STEPS_FOLDER,
      // Bubblewrap kills every process of a step together with the step.
      killAll: async () => {},
      graceMs: this.#options.graceMs ?? 0,
      shellFor: async (env: Readonly<Record<string, string>>) => {
        const base = { PATH: path, HOME: '/home/narwhal', [PROCESS_MARK]: scratch.mark }
        const file = await scratch.writeScript(0, shellFile(env))
        const { limits } = spec
        const workspace = spec.workspace.path
        const view = { ...box, workspace, scratch, hide, path, limits, network, resolvConf, file }
        return bubblewrapShell(start, await sandboxArgs({ ...view, isShell: true }), base)
      },
      programFor: async (file: string, step: SandboxStep) => {
        // Not at opening: the checkout may be made after it. Nothing of the job has run yet.
        if (!given) await giveWorkspace(box.mode, [spec.workspace.path, scratch.home])
        given = true
        const base = { PATH: path, HOME: '/home/narwhal', [PROCESS_MARK]: scratch.mark }
        const { limits } = spec
        const workspace = spec.workspace.path
        const view = { ...box, workspace, scratch, hide, path, limits, network, resolvConf, file }
        return bubblewrapProgram(start, await sandboxArgs(view), base, step.env)
      },
    }
  }

  /** Otherwise a step would fail for it, as if it were the user's fault. */
  async #checkNoNetwork(mode: BubblewrapMode): Promise<void> {
    this.#noNetwork ??= tryMode(mode, this.#trial(), 'none').catch(describeError)
    const trouble = await this.#noNetwork
    if (trouble === '') return
    this.#noNetwork = undefined
    const words = `bubblewrap can't create a separate network here (${trouble}): use Docker for \`network: none\``
    throw new NarwhalError('unavailable', words)
  }

  /** How bubblewrap works here, or why it does not; tried once until the next probe. */
  #findMode(): Promise<BubblewrapMode | string> {
    this.#mode ??= findBubblewrapMode(this.#trial()).then((mode) => {
      if (typeof mode === 'string' || this.#isToldOf) return mode
      this.#isToldOf = true
      for (const words of missingIn(mode, this.#means())) this.#options.log?.warn(words)
      return mode
    })
    return this.#mode
  }

  #trial(): ModeTrial {
    const { instance, folder } = this.#options
    return { instance, folder, means: this.#means() }
  }

  #means(): BoxMeans {
    this.#found ??= findMeans(this.#options.instance)
    return this.#found
  }
}

async function writeResolvConf(
  scratch: Scratch,
  { resolvConf }: Connection,
): Promise<string | undefined> {
  if (resolvConf === undefined) return undefined
  const file = join(scratch.path, 'resolv.conf')
  await writeFile(file, resolvConf, { mode: 0o644 })
  return file
}
