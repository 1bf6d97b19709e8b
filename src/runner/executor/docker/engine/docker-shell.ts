import { NarwhalError } from '../../../../lib/errors.ts'
import type { SandboxShell } from '../../sandbox-shell.ts'
import type { DockerApi, ExecCommand } from './docker-api.ts'
import { FrameReader } from './docker-frames.ts'

/** An interactive command in a container, served by the engine. */
export function dockerShell(
  api: DockerApi,
  id: string,
  settings: Pick<ExecCommand, 'command' | 'env'>,
): SandboxShell {
  return {
    kind: 'served',
    open: async (size) => {
      const terminal = size !== undefined
      const exec = await api.createExec(id, { ...settings, terminal })
      if (exec === undefined) throw new NarwhalError('unavailable', 'the container is not running')
      const connection = await api.startExec(exec, terminal)
      const resize = (to: { columns: number; rows: number }) => api.resizeExec(exec, to)
      if (size) await resize(size).catch(() => {})
      return {
        input: connection,
        output: terminal ? connection : withoutFrames(connection),
        resize,
      }
    },
  }
}

async function* withoutFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const reader = new FrameReader()
  for await (const data of stream) for (const { chunk } of reader.read(data)) yield chunk
}
