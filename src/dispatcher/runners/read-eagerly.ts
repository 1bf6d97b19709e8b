import type { ClientHttp2Stream } from 'node:http2'
import { PassThrough } from 'node:stream'

/**
 * Starts to read the response of a call at once, and buffers it for a later iteration.
 *
 * A short response can close its stream before its headers have been processed, and Node's async iteration
 * treats a closed stream with unread data as broken ("Premature close", node 24.21): a short call would
 * sometimes fail although it was answered in full.
 */
export function readEagerly(stream: ClientHttp2Stream): ClientHttp2Stream {
  const body = new PassThrough()
  // The error surfaces on iteration.
  body.on('error', () => {})
  const breakOff = (): void => {
    body.destroy(stream.errored ?? new Error(`the answer broke off (code ${stream.rstCode})`))
  }
  stream.pipe(body, { end: false })
  // A reset stream emits `end`, too.
  stream.once('end', () => void (stream.rstCode === 0 ? body.end() : breakOff()))
  stream.once('close', () => {
    if (!stream.readableEnded) breakOff()
  })
  return Object.defineProperty(stream, Symbol.asyncIterator, {
    value: () => body[Symbol.asyncIterator](),
  })
}
