/** Room for the text of a full chunk, and for what is added last. */
const BUFFER_BYTES = 640 * 1024
const MOST_KEPT = 6

const kept: Buffer[] = []

/**
 * Large buffers that are used again and again. A log of a gigabyte would else leave a gigabyte of them
 * behind, which takes longer to be collected than the log to be written.
 */
export function takeTextBuffer(bytes: number): Buffer {
  if (bytes > BUFFER_BYTES) return Buffer.allocUnsafeSlow(bytes)
  return kept.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
}

/** Gives back the buffer that this is a part of, where it is one of those; nobody may look at it any more. */
export function giveTextBufferBack({ buffer }: Uint8Array): void {
  if (buffer.byteLength !== BUFFER_BYTES || kept.length >= MOST_KEPT) return
  kept.push(Buffer.from(buffer as ArrayBuffer))
}
