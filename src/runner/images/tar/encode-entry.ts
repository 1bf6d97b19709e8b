import { encodePax } from './pax.ts'
import { BLOCK, type TarEntry } from './tar-entry.ts'
import { encodeHeader, type RawHeader, typeOf } from './tar-header.ts'

const LONGEST = 99

/**
 * The headers of an entry for GNU tar, which its data follows. Long names are GNU's own kind of header: those
 * of pax are converted from UTF-8, which not all names are.
 */
export function encodeEntry(entry: TarEntry): Buffer[] {
  const { name, target } = entry
  const blocks: Buffer[] = []
  if (target.length > LONGEST) blocks.push(...extra('K', Buffer.from(`${target}\0`, 'latin1')))
  if (name.length > LONGEST) blocks.push(...extra('L', Buffer.from(`${name}\0`, 'latin1')))
  const records: [string, Buffer][] = [...entry.attributes].map(([key, value]) => [
    `SCHILY.xattr.${key}`,
    value,
  ])
  if (!/^\d{1,11}$/.test(entry.modifiedAt)) {
    records.push(['mtime', Buffer.from(entry.modifiedAt)])
  }
  if (records.length > 0) blocks.push(...extra('x', encodePax(records)))
  blocks.push(encodeHeader({ ...entry, type: typeOf(entry.kind) }))
  return blocks
}

/** What fills the last block of data. */
export function paddingOf(sizeBytes: number): Buffer {
  return Buffer.alloc(-sizeBytes & (BLOCK - 1))
}

/** The end of an archive, filled up to one of GNU tar's records. */
export const END = Buffer.alloc(20 * BLOCK)

const NOBODY = { target: '', mode: 0o644, uid: 0, gid: 0, modifiedAt: '0', major: 0, minor: 0 }

function extra(type: string, data: Buffer): Buffer[] {
  const header: RawHeader = { ...NOBODY, type, name: '././@Long', sizeBytes: data.length }
  return [encodeHeader(header), data, paddingOf(data.length)]
}
