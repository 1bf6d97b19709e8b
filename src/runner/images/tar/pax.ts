import { NarwhalError } from '../../../lib/errors.ts'

/** The records of a pax header: `length key=value\n`, where the value may be binary. */
export function parsePax(bytes: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space)
    const length = /^\d{1,8}$/.test(digits) ? Number(digits) : 0
    const record = bytes.subarray(space + 1, at + length)
    const equals = record.indexOf(0x3d)
    const isWhole = length > 0 && at + length <= bytes.length && record.at(-1) === 0x0a
    if (!isWhole || equals < 1) throw new NarwhalError('invalid', 'a pax header is malformed')
    records.set(record.toString('latin1', 0, equals), record.subarray(equals + 1, -1))
    at += length
  }
  return records
}

export function encodePax(records: Iterable<readonly [string, Buffer]>): Buffer {
  return Buffer.concat([...records].map(([key, value]) => encodeRecord(key, value)))
}

/** The length counts its own digits. */
function encodeRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (rest.length + String(length).length !== length)
    length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}
