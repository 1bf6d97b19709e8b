import { NarwhalError } from '../../lib/errors.ts'

/** Larger input is not a value that was meant. */
const MOST_BYTES = 1024 * 1024
const LINE_ENDS = /[\r\n]/

/** The part of a stream that is used. */
export interface Input extends AsyncIterable<Buffer | string> {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}

/**
 * Reads standard input to its end; on a terminal prompts for one line, without echo. Rejects with
 * `cancelled` on Ctrl-C, and with `too_large`.
 */
export async function readInput(input: Input, prompt: (text: string) => void, words: string) {
  if (input.isTTY !== true) return await readAll(input)
  prompt(words)
  input.setRawMode?.(true)
  try {
    return await readLine(input)
  } finally {
    input.setRawMode?.(false)
    prompt('\n')
  }
}

async function readAll(input: Input): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of input) {
    const buffer = Buffer.from(part)
    bytes += buffer.length
    if (bytes > MOST_BYTES) throw new NarwhalError('too_large', 'standard input exceeds 1 MiB')
    parts.push(buffer)
  }
  return Buffer.concat(parts).toString()
}

/** A raw terminal passes every key through: the usual editing keys are handled here. */
async function readLine(input: Input): Promise<string> {
  let line = ''
  for await (const part of input) {
    for (const character of part.toString()) {
      if (character === '\u0003') throw new NarwhalError('cancelled', 'interrupted')
      if (LINE_ENDS.test(character) || character === '\u0004') return line
      if (character === '\u007f' || character === '\b') line = line.replace(/.$/su, '')
      else if (character === '\u0015') line = ''
      else line += character
    }
  }
  return line
}
