import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { realpath } from 'node:fs/promises'
import { createServer } from 'node:net'
import { NarwhalError } from '../lib/errors.ts'

/**
 * Makes sure that no other runner on this machine works in the folder: it would remove our
 * workspaces. The claim is a Unix socket with an abstract name, which the kernel takes back when the
 * process ends, however it ends; where there is no such thing (only Linux has it), it is not checked.
 * Rejects with `conflict` when the folder is taken.
 */
export async function claimFolder(folder: string): Promise<AsyncDisposable> {
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: async () => {} }
  const digest = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex')
  const server = createServer((socket) => socket.destroy()).listen(`\0narwhal-runner-${digest}`)
  server.unref()
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new NarwhalError('conflict', `another runner works in ${folder}: give each its own`, {
      cause: error,
    })
  }
  return {
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
