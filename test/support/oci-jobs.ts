import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sandbox, SandboxLimits, SandboxSpec } from '../../src/runner/executor/executor.ts'
import { type OciStage, ociSpecIn } from '../../src/runner/executor/oci/oci-stage.fixture.ts'
import {
  type Call,
  callProgram,
  RESULT_BYTES,
} from '../../src/runner/executor/oci/runtime/call-program.ts'
import type { NetworkSource } from '../../src/runner/network/network-source.ts'
import { runIn } from './bubblewrap-jobs.ts'
import { uniquePrefix } from './services.ts'
import { type TempDir, tempDir } from './temp-dir.ts'

const NOTHING = new AbortController().signal

/** Containers without an engine on this very machine, for tests that attack from inside. */
export interface OciJobs extends AsyncDisposable {
  readonly dir: TempDir
  readonly instance: string
  /** The folder of their sandboxes. */
  readonly folder: string
  /** A job of its own in the test image, removed with the others. */
  open(limits?: Partial<SandboxLimits>, more?: Partial<SandboxSpec>): Promise<Sandbox>
  /** Puts a program into the workspace of the job that was opened last; resolves to the results of its calls. */
  call(job: Sandbox, calls: readonly Call[]): Promise<readonly number[]>
}

export async function ociJobs(
  stage: OciStage,
  networks?: { readonly networks: NetworkSource },
): Promise<OciJobs> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const instance = uniquePrefix()
  const folder = dir.join('sandboxes')
  const executor = stack.use(stage.open({ instance, folder, ...networks }))
  let jobs = 0
  const owned = stack.move()
  return {
    dir,
    instance,
    folder,
    open: async (limits, more) => {
      jobs += 1
      const spec = await ociSpecIn(dir.path, `workspace-${jobs}`)
      const name = `job_attack${jobs}/1`
      const all = { ...spec, name, limits: { ...spec.limits, ...limits }, ...more }
      return await executor.open(all, NOTHING)
    },
    call: async (job, calls) => {
      const machine = process.arch === 'arm64' ? 'arm64' : 'x64'
      const program = callProgram(machine, calls)
      await writeFile(join(dir.path, `workspace-${jobs}`, 'calls'), program, { mode: 0o755 })
      // In pairs of words: BusyBox's od knows no longer ones.
      const { output } = await runIn(job, './calls </dev/null | od -An -v -w8 -tx4')
      const lines = output.trim().split('\n')
      if (lines.length !== calls.length) throw new Error(`${RESULT_BYTES} bytes each: ${output}`)
      return lines.map((line) => {
        const [low = '', high = ''] = line.trim().split(/ +/)
        return Number(BigInt.asIntN(64, BigInt(`0x${high}${low}`)))
      })
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Runs a script next to a step; resolves to its output. */
export async function runBeside(job: Sandbox, script: string): Promise<string> {
  const { signal } = new AbortController()
  let said = ''
  const hear = (_: string, chunk: Uint8Array) => void (said += Buffer.from(chunk).toString())
  await job.run({ script, env: {}, background: { end: signal } }, hear, signal)
  return said
}
