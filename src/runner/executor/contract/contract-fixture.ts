import { mkdir } from 'node:fs/promises'
import { after, test } from 'node:test'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { Executor, Sandbox, SandboxSpec, StepExit } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'

/** What a suite needs to know of an implementation. */
export interface ContractOptions {
  /** For node:test: false, or why the implementation can't be had here. */
  readonly skip: string | false
  /** The image of the jobs; absent: over the root file system of this machine. */
  readonly image?: string
  /** Whether the machine's files and processes are out of reach. */
  readonly isolated: boolean
  /** Where the script finds its workspace; absent: at the folder's own path. */
  readonly workspace?: string
  /** Names that the sandbox itself may set, besides those every sandbox has. */
  readonly baseEnv: readonly string[]
  /** The pids on this machine of processes whose command line holds a text, inside sandboxes too. */
  readonly leftovers: (text: string) => Promise<readonly string[]>
}

export const NOTHING = new AbortController().signal
export const MIB = 1024 ** 2

interface Ran extends StepExit {
  readonly stdout: string
  readonly stderr: string
}

/** An executor, a sandbox in it, and the folder that its workspace is in. */
export interface Box extends AsyncDisposable {
  readonly dir: TempDir
  readonly executor: Executor
  readonly sandbox: Sandbox
}

/** What the suites of executors have in common; `open` gives a fresh executor each time. */
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

  /** Declares a test. */
  check(what: string, body: () => Promise<void>): void {
    test(`${this.#name}: ${what}`, { skip: this.options.skip, timeout: 120_000 }, body)
  }

  /** A box for all checks that leave nothing in it but files of their own: not to be disposed of. */
  async shared(): Promise<Pick<Box, 'dir' | 'executor' | 'sandbox'>> {
    this.#shared ??= this.alone()
    return await this.#shared
  }

  /** A sandbox of one's own, in an executor that others use as well. */
  async box(): Promise<Box> {
    const { executor } = await this.shared()
    await using stack = new AsyncDisposableStack()
    return await this.#fill(stack, executor)
  }

  /** A sandbox in an executor of one's own. */
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

/** Runs a script and collects its output; `hear` sees each piece as it comes. */
export async function run(
  sandbox: Sandbox,
  script: string,
  env: Readonly<Record<string, string>> = {},
  signal: AbortSignal = NOTHING,
  hear: (text: string) => unknown = () => {},
): Promise<Ran> {
  const output = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  const exit = await sandbox.run(
    { script, env },
    (stream, chunk) => {
      const kept = Buffer.from(chunk)
      if (hear(kept.toString()) !== '') output[stream].push(kept)
    },
    signal,
  )
  const stdout = Buffer.concat(output.stdout).toString()
  return { ...exit, stdout, stderr: Buffer.concat(output.stderr).toString() }
}

export function isInvalid(error: unknown): boolean {
  return error instanceof NarwhalError && error.code === 'invalid'
}

export function isCancelled(error: unknown): boolean {
  return error instanceof NarwhalError && error.code === 'cancelled'
}
