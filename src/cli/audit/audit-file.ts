import { type FileHandle, open } from 'node:fs/promises'
import { ChainCheck, type ChainedEntry } from '../../contract/rest/audit-chain.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import { parseEntry } from './audit-client.ts'

/** The ends of a file of entries, one JSON object per line. */
export interface CheckedFile {
  /** Absent if it is empty. */
  readonly first?: ChainedEntry
  readonly last?: ChainedEntry
}

/**
 * Reads a file of entries and verifies its chain. Rejects with `invalid` if it is broken. An incomplete
 * last line, from an interrupted write, is ignored.
 */
export async function checkAuditFile(file: FileHandle, path: string): Promise<CheckedFile> {
  let first: ChainedEntry | undefined
  let last: ChainedEntry | undefined
  let check: ChainCheck | undefined
  for await (const line of wholeLines(file)) {
    const entry = parseEntry(line, path)
    // The entry before the first isn't in the file.
    check ??= new ChainCheck({ seq: entry.seq, hash: entry.hash })
    const fault = first && check.next(entry)
    if (fault) throw new NarwhalError('invalid', `${path} is not an intact audit log: ${fault}`)
    first ??= entry
    last = entry
  }
  return present({ first, last })
}

async function* wholeLines(file: FileHandle): AsyncGenerator<string> {
  let rest = ''
  const stream = file.createReadStream({ start: 0, autoClose: false, encoding: 'utf8' })
  for await (const text of stream) {
    const lines = (rest + String(text)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

/**
 * Opens a file for appending entries, created readable by its owner only, and truncates an incomplete
 * line at its end. Resolves to the file and its ends.
 */
export async function openAuditFile(path: string): Promise<{ file: FileHandle; at: CheckedFile }> {
  const file = await open(path, 'a+', 0o600).catch((cause: unknown) => {
    throw new NarwhalError('invalid', `${path} can't be written: ${String(cause)}`, { cause })
  })
  try {
    const at = await checkAuditFile(file, path)
    await cutHalfLine(file)
    return { file, at }
  } catch (error) {
    await file.close()
    throw error
  }
}

const LONGEST_LINE = 256 * 1024

async function cutHalfLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  const start = Math.max(0, size - LONGEST_LINE)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
  const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a)
  const whole = end < 0 ? start : start + end + 1
  if (whole < size) await file.truncate(whole)
}
