import { NarwhalError } from '../../../../lib/errors.ts'
import type { ContainerEngine } from '../container-engine.ts'

export interface ExecResult {
  /** 126 also if the engine could not start it. */
  readonly exitCode: number
  /** The end of its output, of both streams. */
  readonly tail: string
}

const TAIL_BYTES = 500

/**
 * Runs a short command in a running container, as the container's own user. Rejects with the signal's reason,
 * in which case the command may still be running; with `unavailable` when the container is not running.
 */
export async function execOnce(
  engine: ContainerEngine,
  container: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  signal.throwIfAborted()
  const prepared = await engine.prepareExec(container, { command, env: {} })
  if (!prepared) throw new NarwhalError('unavailable', 'the container is not running')
  const exec = await prepared.start().catch((error: unknown) => NarwhalError.from(error))
  if (exec instanceof NarwhalError) return { exitCode: 126, tail: exec.message }
  const hangUp = () => exec.hangUp()
  signal.addEventListener('abort', hangUp)
  try {
    if (signal.aborted) hangUp()
    let tail = ''
    for await (const some of exec.parts) {
      for (const { chunk } of some) tail = (tail + chunk).slice(-TAIL_BYTES)
    }
    signal.throwIfAborted()
    return { exitCode: (await exec.findExit()) ?? 1, tail: tail.trim() }
  } finally {
    signal.removeEventListener('abort', hangUp)
    hangUp()
  }
}
