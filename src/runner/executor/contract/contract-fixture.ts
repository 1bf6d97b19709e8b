import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { after, test } from 'node:test'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { Executor, Sandbox, SandboxSpec, StepExit } from '../executor.ts'
import type { SandboxShell } from '../sandbox-shell.ts'
import { folderWorkspace } from '../workspace.ts'

export interface ContractOptions {
  /** For node:test: false, or why the implementation is not available here. */
  readonly skip: string | false
  /** The image of the jobs; absent: over the root file system of this machine. */
  readonly image?: string
  /** Whether the machine's files and processes are out of reach. */
  readonly isolated: boolean
  /** Whether a sandbox's root is nobody outside, so that it may have more powers inside. */
  readonly hasOwnRoot?: true
  /** Path of the workspace for scripts; absent: the folder's own path. */
  readonly workspace?: string
  /** Variables that the sandbox itself may set, in addition to those of every sandbox. */
  readonly baseEnv: readonly string[]
  /** The pids on this machine of processes whose command line contains a text, also inside sandboxes. */
  readonly leftovers: (text: string) => Promise<readonly string[]>
}

export const NOTHING = new AbortController().signal
export const MIB = 1024 ** 2

interface Ran extends StepExit {
  readonly stdout: string
  readonly stderr: string
}

/** An executor, a sandbox in it, and the folder that contains its workspace. */
export interface Box extends AsyncDisposable {
  readonly dir: TempDir
  readonly executor: Executor
  readonly sandbox: Sandbox
}

/** Common to the suites of executors; `open` returns a new executor each time. */
export class ContractFixture {
  readonly #name: string
  #shared: Promise<Box> | undefined
  readonly open: () => Promise<Executor>
  readonly options: ContractOptions
  #sandboxes = 0

  constructor(name: string, open: () => Promise<Executor>, options: ContractOptions) {
    this.#name = name
    this.open = open
    this.options = options
    after(async () => {
      await (await this.#shared)?.[Symbol.asyncDispose]()
    })
  }

  check(what: string, body: () => Promise<void>): void {
    test(`${this.#name}: ${what}`, { skip: this.options.skip, timeout: 120_000 }, body)
  }

  /** For checks that leave only files of their own behind: must not be disposed of. */
  async shared(): Promise<Pick<Box, 'dir' | 'executor' | 'sandbox'>> {
    this.#shared ??= this.alone()
    return await this.#shared
  }

  /** A new sandbox in the shared executor. */
  async box(): Promise<Box> {
    const { executor } = await this.shared()
    await using stack = new AsyncDisposableStack()
    return await this.#fill(stack, executor)
  }

  /** A new sandbox in a new executor. */
  async alone(): Promise<Box> {
    await using stack = new AsyncDisposableStack()
    return await this.#fill(stack, stack.use(await this.open()))
  }

  async #fill(stack: AsyncDisposableStack, executor: Executor): Promise<Box> {
    const dir = stack.use(await tempDir())
    const sandbox = stack.use(await executor.open(await this.specIn(dir, 'workspace'), NOTHING))
    const owned = stack.move()
    return { dir, executor, sandbox, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  }

  /** A job with a new workspace in `dir`. */
  async specIn(dir: TempDir, folder: string): Promise<SandboxSpec> {
    await mkdir(dir.join(folder))
    this.#sandboxes += 1
    return {
      name: `job_contract${this.#sandboxes}/1`,
      workspace: folderWorkspace(dir.join(folder)),
      limits: { memoryBytes: 512 * MIB, cpus: 1, processes: 256 },
      isStranger: false,
      ...present({ image: this.options.image }),
    }
  }
}

/** Runs a script and collects its output; `onText` sees each chunk as it arrives. */
export async function run(
  sandbox: Sandbox,
  script: string,
  env: Readonly<Record<string, string>> = {},
  signal: AbortSignal = NOTHING,
  onText: (text: string) => unknown = () => {},
): Promise<Ran> {
  const output = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const exit = await sandbox.run(
    { script, env },
    (stream, chunk) => {
      const kept = Buffer.from(chunk)
      if (onText(kept.toString()) !== '') output[stream].push(kept)
    },
    signal,
  )
  const stdout = Buffer.concat(output.stdout).toString()
  return { ...exit, stdout, stderr: Buffer.concat(output.stderr).toString() }
}

/** The output of a shell without a terminal. */
export async function talkTo(shell: SandboxShell, input: string): Promise<string> {
  const chunks: Uint8Array[] = []
  if (shell.kind === 'served') {
    const served = await shell.open(undefined)
    served.input.write(input)
    for await (const chunk of served.output) chunks.push(chunk)
  } else {
    const { command, args, env, cwd, user } = shell
    const child = spawn(command, args, { env: { ...env }, cwd, ...user })
    child.stdin.end(input)
    for await (const chunk of child.stdout) chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString()
}

export function isInvalid(error: unknown): boolean {
  return error instanceof NarwhalError && error.code === 'invalid'
}

export function isCancelled(error: unknown): boolean {
  return error instanceof NarwhalError && error.code === 'cancelled'
}
