import { NarwhalError } from '../../../lib/errors.ts'
import { BLOCK, type TarEntry, type TarKind } from './tar-entry.ts'

/** A header block as it stands in the archive. */
export interface RawHeader extends Omit<TarEntry, 'kind' | 'attributes'> {
  readonly type: string
}

const KINDS: Readonly<Record<string, TarKind>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'folder',
  '6': 'fifo',
}

const CHECKSUM_AT = 148

/** Throws `invalid` if it is no header. */
export function parseHeader(block: Buffer): RawHeader {
  if (!isChecked(block)) throw broken('a header has a wrong checksum')
  const magic = block.toString('latin1', 257, 263)
  const prefix = magic === 'ustar\0' ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    type: block.toString('latin1', 156, 157),
    name: prefix === '' ? name : `${prefix}/${name}`,
    target: text(block, 157, 100),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    sizeBytes: number(block, 124, 12),
    modifiedAt: String(number(block, 136, 12)),
    // In the oldest archives, these fields are not there.
    major: magic.startsWith('ustar') ? number(block, 329, 8) : 0,
    minor: magic.startsWith('ustar') ? number(block, 337, 8) : 0,
  }
}

/** Undefined: nothing that a file system has. */
export function kindOf({ type, name }: Pick<RawHeader, 'type' | 'name'>): TarKind | undefined {
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  return kind === 'file' && name.endsWith('/') ? 'folder' : kind
}

export function typeOf(kind: TarKind): string {
  return Object.keys(KINDS).find((type) => KINDS[type] === kind) ?? '0'
}

/** Names that are too long must have been written otherwise before. */
export function encodeHeader(header: RawHeader): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(header.name.slice(0, 100), 0, 'latin1')
  writeNumber(block, header.mode, 100, 8)
  writeNumber(block, header.uid, 108, 8)
  writeNumber(block, header.gid, 116, 8)
  writeNumber(block, header.sizeBytes, 124, 12)
  writeNumber(block, Math.max(0, Math.floor(Number(header.modifiedAt))), 136, 12)
  block.write(header.type, 156, 'latin1')
  block.write(header.target.slice(0, 100), 157, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  writeNumber(block, header.major, 329, 8)
  writeNumber(block, header.minor, 337, 8)
  block.write(`${sum(block).toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT, 'latin1')
  return block
}

function text(block: Buffer, at: number, length: number): string {
  const field = block.toString('latin1', at, at + length)
  const end = field.indexOf('\0')
  return end < 0 ? field : field.slice(0, end)
}

/** Octal digits; or, if the first bit is set, a signed binary number. */
function number(block: Buffer, at: number, length: number): number {
  const field = block.subarray(at, at + length)
  if ((field[0] ?? 0) & 0x80) return binary(field)
  const digits = text(block, at, length).trim()
  if (!/^[0-7]*$/.test(digits)) throw broken('a header has a number that is none')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

function binary(field: Buffer): number {
  const isNegative = ((field[0] ?? 0) & 0x40) !== 0
  let value = 0n
  for (const byte of field) value = (value << 8n) | BigInt(byte)
  const bits = BigInt(field.length * 8)
  // The mark itself is no part of the number.
  value = isNegative ? value - (1n << bits) : value & ~(1n << (bits - 1n))
  return Number(value)
}

function writeNumber(block: Buffer, value: number, at: number, length: number): void {
  const octal = value.toString(8)
  if (octal.length < length) {
    block.write(`${octal.padStart(length - 1, '0')}\0`, at, 'latin1')
    return
  }
  let rest = BigInt(value)
  for (let index = at + length - 1; index > at; index--) {
    block[index] = Number(rest & 0xffn)
    rest >>= 8n
  }
  block[at] = 0x80
}

/** Some old programs summed signed bytes. */
function isChecked(block: Buffer): boolean {
  const digits = text(block, CHECKSUM_AT, 8).trim()
  if (!/^[0-7]+$/.test(digits)) return false
  const stated = Number.parseInt(digits, 8)
  if (stated === sum(block)) return true
  let signed = 8 * 32
  for (const [index, byte] of block.entries()) {
    if (index < CHECKSUM_AT || index >= CHECKSUM_AT + 8) signed += byte > 127 ? byte - 256 : byte
  }
  return stated === signed
}

function sum(block: Buffer): number {
  let total = 8 * 32
  for (let index = 0; index < BLOCK; index++) {
    if (index < CHECKSUM_AT || index >= CHECKSUM_AT + 8) total += block[index] ?? 0
  }
  return total
}

function broken(what: string): NarwhalError {
  return new NarwhalError('invalid', what)
}
