import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { withGrace } from '../lib/async/with-grace.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { newId } from '../lib/new-id.ts'
import { removeFolder } from '../lib/remove-folder.ts'
import type { Executor, Sandbox, SandboxLimits } from './executor/executor.ts'
import { folderWorkspace } from './executor/workspace.ts'

export interface ProbeDeps {
  readonly executor: Executor
  /** The folder in which the probe creates its workspace. */
  readonly workspaces: string
  readonly limits: SandboxLimits
  /** A minute by default. */
  readonly timeoutMs?: number
}

const PROBE_MS = 60_000
/** The share of the timeout that is reserved for ending what hangs. */
const GRACE_SHARE = 0.1

/**
 * Opens a sandbox as for a job without an image and runs `true` in it. Resolves to '' on success,
 * otherwise to what is wrong; never rejects, and leaves nothing behind.
 */
export async function probeSandbox(deps: ProbeDeps): Promise<string> {
  const { timeoutMs = PROBE_MS } = deps
  const graceMs = timeoutMs * GRACE_SHARE
  const stop = new AbortController()
  const late = new NarwhalError('unavailable', `a sandbox took longer than ${timeoutMs / 1000} s`)
  const timer = setTimeout(() => stop.abort(late), timeoutMs - graceMs)
  try {
    return await withGrace(runTrue(deps, stop.signal), stop.signal, graceMs)
  } catch (error) {
    return describeError(firstOf(error))
  } finally {
    clearTimeout(timer)
  }
}

async function runTrue({ executor, workspaces, limits }: ProbeDeps, signal: AbortSignal) {
  const name = newId('probe')
  const workspace = join(workspaces, name)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => removeFolder(workspace))
  await mkdir(workspace)
  const sandbox: Sandbox = stack.use(
    await executor.open(
      { name, workspace: folderWorkspace(workspace), limits, isStranger: false },
      signal,
    ),
  )
  let output = ''
  const onOutput = (_: string, chunk: Uint8Array) => {
    output = `${output}${Buffer.from(chunk).toString()}`.slice(0, 200)
  }
  const { exitCode, note } = await sandbox.run({ script: 'true', env: {} }, onOutput, signal)
  if (exitCode === 0) return ''
  return `\`true\` ended with exit code ${exitCode} in a sandbox: ${note ?? output.trim()}`
}

/** The first error: the cleanup after it often fails as well, and says less. */
function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error
}
