/** A span of a remote trace. */
export interface RemoteSpan {
  readonly traceId: string
  readonly spanId: string
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/

/**
 * Parses the header `traceparent` of https://www.w3.org/TR/trace-context/; undefined if it is invalid. Later
 * versions may append to it; the sampled flag is ignored.
 */
export function parseTraceparent(text: string | undefined): RemoteSpan | undefined {
  if (text === undefined || text.length > 200) return undefined
  const [, version, traceId, spanId] = TRACEPARENT.exec(text) ?? []
  if (version === undefined || traceId === undefined || spanId === undefined) return undefined
  const isWrong = version === 'ff' || (version === '00' && text.length !== 55)
  if (isWrong || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId }
}
