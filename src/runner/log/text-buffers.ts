/** Enough for the text of a full chunk plus one more write. */
const BUFFER_BYTES = 640 * 1024
const MOST_KEPT = 6

const kept: Buffer[] = []

/**
 * A pool of large buffers. Without it, a log of a gigabyte would leave a gigabyte of garbage, whose
 * collection takes longer than writing the log.
 */
export function takeTextBuffer(bytes: number): Buffer {
  if (bytes > BUFFER_BYTES) return Buffer.allocUnsafeSlow(bytes)
  return kept.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
}

/** Returns the underlying buffer to the pool, if it came from there; it must not be used afterwards. */
export function giveTextBufferBack({ buffer }: Uint8Array): void {
  if (buffer.byteLength !== BUFFER_BYTES || kept.length >= MOST_KEPT) return
  kept.push(Buffer.from(buffer as ArrayBuffer))
}
