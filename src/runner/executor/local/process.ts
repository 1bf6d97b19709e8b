import { NarwhalError } from '../../../lib/errors.ts'
import type { Executor, Sandbox, SandboxSpec, SandboxStep } from '../executor.ts'
import { PROCESS_MARK, withMark } from '../processes/process-search.ts'
import { kill, killTree, listGroup } from '../processes/process-tree.ts'
import { refuseContainers } from '../refuse-containers.ts'
import { SHELL_SCRIPT } from '../sandbox-shell.ts'
import { LocalSandboxes } from './local-sandboxes.ts'
import type { Scratch } from './scratch.ts'
import { STANDARD_PATH } from './standard-path.ts'

export interface ProcessExecutorOptions {
  /** Unique name of the runner on this machine. */
  readonly instance: string
  /** The PATH of the steps; the system's folders by default. */
  readonly path?: string
  /** How long an aborted step may take to end, in milliseconds; by default it is killed at once. */
  readonly graceMs?: number
}

/**
 * Runs steps as plain processes of the runner's own user: **no isolation at all**, only for people who run
 * their own code. No limits either. Each job gets a home and a temporary folder of its own, and at its end
 * every process that still has the job's mark in its environment is killed, even in a process group of its
 * own.
 *
 * The steps' base environment: PATH, HOME, TMPDIR, and NARWHAL_SANDBOX, the mark.
 */
export class ProcessExecutor implements Executor {
  readonly engines = ['process'] as const
  readonly #options: ProcessExecutorOptions
  readonly #sandboxes: LocalSandboxes

  constructor(options: ProcessExecutorOptions) {
    this.#options = options
    this.#sandboxes = new LocalSandboxes(options.instance)
  }

  async probe(): Promise<string> {
    return ''
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    refuseContainers(spec, 'runs plain processes (NARWHAL_EXECUTOR=process:)')
    if (spec.network === 'none') {
      throw new NarwhalError(
        'invalid',
        'network: none needs a sandbox, and this runner runs plain processes (NARWHAL_EXECUTOR=process:): start Docker or Podman on it or install bubblewrap, or remove `network:`',
      )
    }
    return this.#sandboxes.open(async (scratch) => this.#parts(spec, scratch), signal)
  }

  /** Ends and removes what a previous process of this instance left behind; resolves to its number. */
  reap(): Promise<number> {
    return this.#sandboxes.reap()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sandboxes[Symbol.asyncDispose]()
  }

  #parts(spec: SandboxSpec, scratch: Scratch) {
    const killAll = async () => {
      await killTree(withMark((mark) => mark === scratch.mark))
    }
    const base = {
      PATH: this.#options.path ?? STANDARD_PATH,
      HOME: scratch.home,
      TMPDIR: scratch.tmp,
    }
    return {
      name: spec.name,
      workspace: spec.workspace.path,
      folder: spec.workspace.path,
      maskPath: scratch.maskFile,
      stepsPath: scratch.steps,
      folders: [spec.workspace.path, scratch.home, scratch.tmp].map((path) => ({
        path,
        name: path,
      })),
      killAll,
      graceMs: this.#options.graceMs ?? 0,
      shellFor: async (env: Readonly<Record<string, string>>) => ({
        kind: 'program' as const,
        command: '/bin/sh',
        args: ['-c', SHELL_SCRIPT],
        env: { ...base, ...env, [PROCESS_MARK]: scratch.mark },
        cwd: spec.workspace.path,
      }),
      programFor: async (file: string, step: SandboxStep) => ({
        command: '/bin/sh',
        args: ['-e', file],
        env: { ...base, ...step.env, [PROCESS_MARK]: scratch.mark },
        cwd: spec.workspace.path,
        kill: async (pid: number) => {
          kill(-pid)
          // All steps have the same mark.
          if (!step.background) await killAll()
        },
        terminate: async (pid: number) => void kill(-pid, 'SIGTERM'),
        list: listGroup,
      }),
    }
  }
}
