import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { childError } from '../../../lib/child-error.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { PROGRAM_ENV } from '../../../lib/programs/machine-programs.ts'
import { END } from '../tar/encode-entry.ts'
import { noSpace } from './no-space.ts'

/** Hands chunks to a program; resolves once they may be reused. */
export type Send = (chunks: readonly Buffer[]) => Promise<void>

/**
 * Runs the command of `unpackCommand` while `write` hands it two archives, without their ends. Rejects with
 * `exhausted` if there is no space left, `unavailable` if tar fails for another reason.
 */
export async function writeByTar<Result>(
  [command, ...args]: [string, ...string[]],
  signal: AbortSignal,
  write: (first: Send) => Promise<{ readonly second: readonly Buffer[]; readonly result: Result }>,
): Promise<Result> {
  signal.throwIfAborted()
  const child = spawn(command, args, {
    env: PROGRAM_ENV,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    // A group of its own, to be killed as one.
    detached: true,
  })
  const ended = endOf(child)
  ended.catch(() => {})
  const kill = () => killGroup(child)
  signal.addEventListener('abort', kill)
  try {
    const [first, last] = [child.stdin as Writable, child.stdio[3] as Writable]
    first.on('error', () => {})
    last.on('error', () => {})
    const { second, result } = await write((chunks) => send(first, chunks))
    await send(first, [END])
    first.end()
    await send(last, [...second, END])
    last.end()
    await ended
    signal.throwIfAborted()
    return result
  } catch (error) {
    signal.throwIfAborted()
    // If tar has ended, its own reason is the better one; else it would wait for more.
    const isGone = error instanceof NarwhalError || !isBrokenPipe(error)
    if (!isGone) await ended
    throw error
  } finally {
    signal.removeEventListener('abort', kill)
    kill()
    await ended.catch(() => {})
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  const words = child.stderr ? text(child.stderr) : Promise.resolve('')
  words.catch(() => {})
  let code: number | string | null
  try {
    ;[code] = (await once(child, 'exit')) as [number | null]
  } catch (cause) {
    throw childError('unshare, to unpack a layer,', { code: codeOf(cause) }, '')
  }
  const stderr = await words.catch(() => '')
  if (code === 0) return
  // GNU tar has no other words for a write that a full disk has cut short.
  if (/No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes/.test(stderr)) {
    throw noSpace()
  }
  throw childError('tar, unpacking a layer,', { code }, stderr)
}

async function send(to: Writable, chunks: readonly Buffer[]): Promise<void> {
  const last = chunks.at(-1)
  if (!last) return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  to.cork()
  for (const chunk of chunks.slice(0, -1)) to.write(chunk)
  to.write(last, (error) => (error ? reject(error) : resolve()))
  to.uncork()
  await promise
}

function isBrokenPipe(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  return ['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(
    code,
  )
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
