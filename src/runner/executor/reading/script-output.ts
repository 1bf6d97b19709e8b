import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { NarwhalError } from '../../../lib/errors.ts'
import type { Sandbox, StepExit } from '../executor.ts'

/** How much is held for a slow reader before the script has to wait. */
const HELD_BYTES = 256 * 1024
/** So much a message has room for. */
const MOST_CHARACTERS = 300

export interface EndedScript extends StepExit {
  /** As far as it was asked for. */
  readonly stderr: Buffer
}

export interface ReadScript {
  readonly script: string
  /** How much of its standard error is kept. */
  readonly maxStderrBytes: number
}

/**
 * Runs a script in a sandbox and gives its standard output bit by bit; the script waits for who reads.
 * Whoever stops before the end ends the script, as an abort does. Throws as `run` does.
 */
export async function* outputOf(
  run: Sandbox['run'],
  { script, maxStderrBytes }: ReadScript,
  signal: AbortSignal,
): AsyncGenerator<Buffer, EndedScript, undefined> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const pipe = new PassThrough({ highWaterMark: HELD_BYTES })
  let stderr = Buffer.alloc(0)
  const hear = (stream: 'stdout' | 'stderr', chunk: Uint8Array): void | Promise<void> => {
    if (stream === 'stderr') {
      stderr = Buffer.concat([stderr, chunk]).subarray(0, maxStderrBytes)
    } else if (!pipe.write(Buffer.from(chunk))) {
      return once(pipe, 'drain', { signal: either }).then(() => {})
    }
  }
  const ended = run({ script, env: {} }, hear, either).then(
    (exit) => {
      pipe.end()
      return exit
    },
    (error: unknown) => {
      pipe.destroy(error instanceof Error ? error : NarwhalError.from(error))
      throw error
    },
  )
  ended.catch(() => {})
  try {
    for await (const chunk of pipe) yield chunk as Buffer
    return { ...(await ended), stderr }
  } finally {
    stop.abort(new NarwhalError('cancelled', 'nobody reads what the script says'))
    await ended.catch(() => {})
  }
}

/** All of it, when it is no more than so many bytes; else throws what `tooMuch` makes. */
export async function wholeOutput(
  output: AsyncGenerator<Buffer, EndedScript, undefined>,
  maxBytes: number,
  tooMuch: () => NarwhalError,
): Promise<EndedScript & { readonly stdout: Buffer }> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for (;;) {
      const next = await output.next()
      if (next.done) return { ...next.value, stdout: Buffer.concat(chunks) }
      bytes += next.value.length
      if (bytes > maxBytes) throw tooMuch()
      chunks.push(next.value)
    }
  } finally {
    await output.return(undefined as never)
  }
}

/** What a script said last on its standard error, fit for a message. */
export function wordsOf(stderr: Buffer): string {
  return stderr
    .toString()
    .slice(-MOST_CHARACTERS)
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
}
