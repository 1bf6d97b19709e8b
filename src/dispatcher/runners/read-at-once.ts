import type { ClientHttp2Stream } from 'node:http2'
import { PassThrough } from 'node:stream'

/**
 * Begins to read the answer of a call at once, and gives it from there to whoever iterates later.
 *
 * An answer that comes in one piece has its stream `closed` before its head has been looked at, and
 * Node's iteration takes a closed stream with unread data for one that broke off ("Premature close",
 * node 24.21): a short call would fail now and then although it was answered in full.
 */
export function readAtOnce(stream: ClientHttp2Stream): ClientHttp2Stream {
  const body = new PassThrough()
  // Whoever iterates hears of it; until then nobody does.
  body.on('error', () => {})
  const breakOff = (): void => {
    body.destroy(stream.errored ?? new Error(`the answer broke off (code ${stream.rstCode})`))
  }
  stream.pipe(body, { end: false })
  // A stream that is reset ends as well.
  stream.once('end', () => void (stream.rstCode === 0 ? body.end() : breakOff()))
  stream.once('close', () => {
    if (!stream.readableEnded) breakOff()
  })
  return Object.defineProperty(stream, Symbol.asyncIterator, {
    value: () => body[Symbol.asyncIterator](),
  })
}
