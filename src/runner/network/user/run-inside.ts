import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { NarwhalError } from '../../../lib/errors.ts'

/**
 * Next to this file, with the same extension: as source, or bundled as an entry point of its own
 * (`src/runner/network/user/reach-process.ts` → `reach-process.js` in the folder of the main bundle).
 */
const ENTRY = fileURLToPath(new URL(`./reach-process${extname(import.meta.url)}`, import.meta.url))
const FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=1']
const LONGEST_MS = 30_000

/** Starts reach-process.ts in a network that `enter` leads into. */
function start(enter: readonly string[], args: readonly string[], signal: AbortSignal) {
  signal.throwIfAborted()
  const [command = '', ...words] = [...enter, process.execPath, ...FLAGS, ENTRY, ...args]
  const child = spawn(command, words, {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
    signal,
  })
  child.on('error', () => {})
  // Jobs that start meanwhile take precedence.
  if (child.pid !== undefined) lowerPriority(child.pid)
  child.stdin.on('error', () => {})
  return child
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has already ended.
  }
}

/** Resolves to its output; rejects with `unavailable` if it failed. */
export async function tryInside(
  enter: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<string> {
  const child = start(enter, [], signal)
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve))
  child.stdin.end(input)
  const [said, trouble, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code === 0) return said
  const words = trouble.trim().split('\n').slice(0, 3).join('; ') || `exit code ${String(code)}`
  throw new NarwhalError('unavailable', `the network of a job can't be tested: ${words}`)
}

/** A server inside that listens on all addresses, until its disposal. */
export async function listenInside(
  enter: readonly string[],
  signal: AbortSignal,
): Promise<AsyncDisposable & { readonly port: number }> {
  const child = start(enter, ['listen'], signal)
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()))
  const first = once(child.stdout, 'data')
  first.catch(() => {})
  const gone = ended.then(() => {
    throw new NarwhalError('unavailable', 'starting a server in the network of a job failed')
  })
  gone.catch(() => {})
  const [said] = await Promise.race([first, gone])
  return {
    port: Number(String(said).trim()),
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await ended
    },
  }
}
