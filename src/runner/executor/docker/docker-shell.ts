import { NarwhalError } from '../../../lib/errors.ts'
import { type SandboxShell, SHELL_SCRIPT } from '../sandbox-shell.ts'
import { WITHOUT_MARK } from './docker-supervisor.ts'
import type { DockerApi } from './engine/docker-api.ts'
import { FrameReader } from './engine/docker-frames.ts'

export function dockerShell(
  api: DockerApi,
  id: string,
  env: Readonly<Record<string, string>>,
): SandboxShell {
  return {
    kind: 'served',
    open: async (size) => {
      const terminal = size !== undefined
      const command = ['/bin/sh', '-c', `${WITHOUT_MARK}\n${SHELL_SCRIPT}`]
      const exec = await api.createExec(id, { command, env, terminal })
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
