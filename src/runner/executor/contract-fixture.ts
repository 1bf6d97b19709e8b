import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { type TempDir, tempDir } from '../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Executor, Sandbox, SandboxSpec, StepExit } from './executor.ts'

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

/** What the suites of executors have in common; `open` gives a fresh executor each time. */
export class ContractFixture {
  readonly #name: string
  readonly open: () => Promise<Executor>
  readonly options: ContractOptions
  #sandboxes = 0

  constructor(name: string, open: () => Promise<Executor>, options: ContractOptions) {
    this.#name = name
    this.open = open
    this.options = options
  }

  /** Declares a test. */
  check(what: string, body: () => Promise<void>): void {
    test(`${this.#name}: ${what}`, { skip: this.options.skip, timeout: 120_000 }, body)
  }

  /** An executor, one sandbox in it, and the folder with its workspace. */
  async box() {
    const stack = new AsyncDisposableStack()
    const dir = stack.use(await tempDir())
    const executor = stack.use(await this.open())
    const sandbox = stack.use(await executor.open(await this.specIn(dir, 'workspace'), NOTHING))
    return { dir, executor, sandbox, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  }

  /** A job with a new workspace in `dir`. */
  async specIn(dir: TempDir, folder: string): Promise<SandboxSpec> {
    await mkdir(dir.join(folder))
    this.#sandboxes += 1
    return {
      name: `job_contract${this.#sandboxes}/1`,
      workspace: dir.join(folder),
      limits: { memoryBytes: 512 * MIB, cpus: 1, processes: 256 },
      ...(this.options.image === undefined ? {} : { image: this.options.image }),
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
