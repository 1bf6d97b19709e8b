import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { NarwhalError } from '../../../lib/errors.ts'
import type { Sandbox, StepExit } from '../executor.ts'

/** How much is buffered for a slow reader before the script has to wait. */
const HELD_BYTES = 256 * 1024
/** Limit of a message. */
const MOST_CHARACTERS = 300

export interface EndedScript extends StepExit {
  /** As far as it was requested. */
  readonly stderr: Buffer
}

export interface ReadScript {
  readonly script: string
  readonly maxStderrBytes: number
}

/**
 * Runs a script in a sandbox and yields its standard output; a slow reader blocks the script. Returning early
 * ends the script, as an abort does. Throws as `run` does.
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
  const onOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array): void | Promise<void> => {
    if (stream === 'stderr') {
      stderr = Buffer.concat([stderr, chunk]).subarray(0, maxStderrBytes)
    } else if (!pipe.write(Buffer.from(chunk))) {
      return once(pipe, 'drain', { signal: either }).then(() => {})
    }
  }
  const ended = run({ script, env: {} }, onOutput, either).then(
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
    stop.abort(new NarwhalError('cancelled', 'the output of the script is no longer read'))
    await ended.catch(() => {})
  }
}

/** The whole output if it is at most `maxBytes` bytes; else throws the error from `tooMuch`. */
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

/** The end of a script's standard error, fit for a message. */
export function wordsOf(stderr: Buffer): string {
  return stderr
    .toString()
    .slice(-MOST_CHARACTERS)
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
}
