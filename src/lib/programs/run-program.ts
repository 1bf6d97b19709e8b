import type { Readable } from 'node:stream'
import { startProgram } from './start-program.ts'
import type { Command, StartOptions } from './started-program.ts'

export interface RunOptions extends Omit<StartOptions, 'output'> {
  /** Ends it when aborted; then the result does not count. */
  readonly signal?: AbortSignal
  /** The signal for that; SIGTERM by default. */
  readonly killSignal?: NodeJS.Signals
  /** Milliseconds until it is killed. */
  readonly timeoutMs?: number
  /** Limit of each of its streams, in bytes; it is killed beyond. */
  readonly maxBytes: number
}

/** How long a program whose result is not wanted any more may take to end, in milliseconds. */
const GRACE_MS = 2_000

/** What a program has done. */
export interface ProgramResult {
  /** 128 + n after signal n, as a shell has it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Why it could not do all of it: there is no such program, or it was killed at one of its limits. */
  readonly trouble?: 'missing' | 'late' | 'too_large'
}

/**
 * Runs a program until it has ended and closed its streams. Rejects with the signal's reason when aborted, and with
 * `unavailable` if nothing can be started.
 */
export async function runToEnd(command: Command, options: RunOptions): Promise<ProgramResult> {
  const { signal, killSignal = 'SIGTERM', timeoutMs, maxBytes, ...start } = options
  signal?.throwIfAborted()
  const program = await startProgram(command, start)
  let trouble: ProgramResult['trouble']
  const end = (by: NodeJS.Signals): void => {
    program.kill(by)
    // Others may hold them for longer.
    program.stdout.destroy()
    program.stderr.destroy()
  }
  const stop = (why: ProgramResult['trouble']): void => {
    trouble ??= why
    end('SIGKILL')
  }
  let timer = timeoutMs === undefined ? undefined : setTimeout(() => stop('late'), timeoutMs)
  const onAbort = (): void => {
    end(killSignal)
    clearTimeout(timer)
    timer = setTimeout(() => program.kill('SIGKILL'), GRACE_MS)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  try {
    const collect = (stream: Readable) => collected(stream, maxBytes, () => stop('too_large'))
    const [stdout, stderr, { code, isMissing }] = await Promise.all([
      collect(program.stdout),
      collect(program.stderr),
      program.ended,
    ])
    signal?.throwIfAborted()
    if (isMissing) trouble = 'missing'
    return { code, stdout, stderr, ...(trouble ? { trouble } : {}) }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

async function collected(stream: Readable, most: number, onTooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > most) onTooMuch()
    else chunks.push(chunk)
  })
  await new Promise<void>((resolve) => {
    stream.once('close', resolve)
    stream.once('error', () => resolve())
  })
  return Buffer.concat(chunks).toString()
}
