import type { LogLine } from '../rest/views.ts'
import { pushSigned, pushVarint, VarintReader } from './varint.ts'

/**
 * The unpacked content of a log chunk: the byte length of the runs, the runs, and the text, UTF-8, in which
 * `\n` ends every line. A run is a sequence of lines of one stream with the same time: the number of lines,
 * the stream's index in STREAMS, and the milliseconds since the previous run (signed; for the first: since
 * the epoch). All numbers are varints.
 */
export interface LogContent {
  readonly runs: readonly LogRun[]
  readonly text: Buffer
}

export interface LogRun {
  readonly count: number
  readonly stream: LogLine['stream']
  /** Epoch milliseconds by the clock of the process that read the line. */
  readonly at: number
}

const STREAMS = ['stdout', 'stderr', 'narwhal'] as const satisfies readonly LogLine['stream'][]

/** The part before the text. */
export function encodeRuns(runs: readonly LogRun[]): Uint8Array {
  const body: number[] = []
  let before = 0
  for (const { count, stream, at } of runs) {
    pushVarint(body, count)
    pushVarint(body, STREAMS.indexOf(stream))
    pushSigned(body, at - before)
    before = at
  }
  const head: number[] = []
  pushVarint(head, body.length)
  return Uint8Array.from([...head, ...body])
}

/** Throws RangeError if it is malformed. */
export function readContent(bytes: Buffer): LogContent {
  const reader = new VarintReader(bytes)
  const length = reader.next()
  const end = reader.at + length
  if (end > bytes.length) throw new RangeError('the runs exceed the chunk')
  const runs: LogRun[] = []
  for (let at = 0; reader.at < end; ) {
    const count = reader.next()
    const stream = STREAMS[reader.next()]
    at += reader.nextSigned()
    if (!stream) throw new RangeError('a run has an unknown stream')
    runs.push({ count, stream, at })
  }
  return { runs, text: bytes.subarray(end) }
}
