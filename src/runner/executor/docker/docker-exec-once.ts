import { NarwhalError } from '../../../lib/errors.ts'
import { chunksOf } from './docker-exec.ts'
import type { DockerApi } from './engine/docker-api.ts'
import { FrameReader } from './engine/docker-frames.ts'

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
  api: DockerApi,
  container: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  signal.throwIfAborted()
  const exec = await api.createExec(container, { command, env: {} })
  if (exec === undefined) throw new NarwhalError('unavailable', 'the container is not running')
  const connection = await api.startExec(exec).catch((error: unknown) => NarwhalError.from(error))
  if (connection instanceof NarwhalError) return { exitCode: 126, tail: connection.message }
  const hangUp = () => void connection.destroy()
  signal.addEventListener('abort', hangUp)
  try {
    if (signal.aborted) hangUp()
    connection.on('error', () => {})
    const frames = new FrameReader()
    let tail = ''
    for await (const data of chunksOf(connection)) {
      for (const { chunk } of frames.read(data)) tail = (tail + chunk).slice(-TAIL_BYTES)
    }
    signal.throwIfAborted()
    return { exitCode: (await api.findExecExit(exec)) ?? 1, tail: tail.trim() }
  } finally {
    signal.removeEventListener('abort', hangUp)
    hangUp()
  }
}
