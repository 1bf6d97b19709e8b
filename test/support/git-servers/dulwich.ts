import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'

/** Debian's own: another one in PATH would not have Debian's packages. */
const PYTHON = '/usr/bin/python3'

export function missingForDulwich(): string | undefined {
  try {
    execFileSync(PYTHON, ['-c', 'import dulwich.web'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'dulwich is not installed (apt: python3-dulwich)'
  }
}

/** Dulwich's own web server on loopback, for the repository at this path. */
export async function startDulwich(repository: string) {
  const port = await freePort()
  const args = ['-m', 'dulwich.web', '-l', '127.0.0.1', '-p', `${port}`, repository]
  const child = spawn(PYTHON, args, { stdio: 'ignore' })
  const ended = once(child, 'close')
  await eventually(() => isListening(port), { message: 'dulwich listens' })
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
