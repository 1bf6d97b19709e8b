/** The JSON of a body: the body itself, or a field of a form. Never throws. */
export function jsonOf(body: Uint8Array, isForm: boolean): Uint8Array {
  if (!isForm) return body
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  return Buffer.from(new URLSearchParams(text).get('payload') ?? '')
}
