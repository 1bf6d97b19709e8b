import { NarwhalError } from '../../../lib/errors.ts'
import { parsePax } from './pax.ts'
import { BLOCK, HIGHEST_ID, showName, type TarEntry } from './tar-entry.ts'
import { kindOf, parseHeader, type RawHeader } from './tar-header.ts'

export interface TarListener {
  entry(entry: TarEntry): void
  /** Data of the last entry, in order; the chunk is only valid during the call. */
  data(chunk: Buffer): void
  /** The last entry's data is complete. */
  end(): void
}

/** A header's own data, such as a long name; more is no honest archive. */
const MAX_EXTRA_BYTES = 1024 * 1024
const ATTRIBUTE = 'SCHILY.xattr.'

interface Extra {
  readonly type: string
  readonly chunks: Buffer[]
}

/**
 * Parses a tar archive that arrives in chunks of any size. Between entries it waits for a header; in an entry,
 * for the rest of its data and then of its padding; after two empty blocks it ignores what comes.
 */
export class TarParser {
  readonly #listener: TarListener
  readonly #header = Buffer.alloc(BLOCK)
  #filled = 0
  #data = 0
  #padding = 0
  #extra: Extra | undefined
  #pax = new Map<string, Buffer>()
  #longName: string | undefined
  #longTarget: string | undefined
  #empty = 0
  /** Whether an entry is open whose data goes to the listener. */
  #isOpen = false

  constructor(listener: TarListener) {
    this.#listener = listener
  }

  /** Throws `invalid` if this is no tar archive. */
  feed(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && this.#empty < 2) {
      if (this.#data > 0) at += this.#takeData(chunk.subarray(at, at + this.#data))
      else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, chunk.length - at)
        this.#padding -= skipped
        at += skipped
      } else at += this.#takeHeader(chunk.subarray(at, at + BLOCK - this.#filled))
    }
  }

  /** Throws `invalid` if the archive ended too early. */
  finish(): void {
    const isWhole = this.#data + this.#padding + this.#filled === 0 && !this.#hasExtras()
    if (this.#empty < 2 && !isWhole) {
      throw new NarwhalError('invalid', 'it ends in the middle of an entry')
    }
  }

  #takeData(part: Buffer): number {
    if (this.#extra) this.#extra.chunks.push(Buffer.from(part))
    else this.#listener.data(part)
    this.#data -= part.length
    if (this.#data === 0) this.#endData()
    return part.length
  }

  #takeHeader(part: Buffer): number {
    part.copy(this.#header, this.#filled)
    this.#filled += part.length
    if (this.#filled < BLOCK) return part.length
    this.#filled = 0
    if (this.#header.every((byte) => byte === 0)) {
      this.#empty += 1
      return part.length
    }
    if (this.#empty > 0) throw new NarwhalError('invalid', 'it goes on after its end')
    this.#open(parseHeader(this.#header))
    return part.length
  }

  #open(header: RawHeader): void {
    const isExtra = 'xgLK'.includes(header.type)
    if (isExtra) {
      if (header.sizeBytes < 0 || header.sizeBytes > MAX_EXTRA_BYTES) {
        throw new NarwhalError('invalid', 'a header is too long')
      }
      this.#extra = { type: header.type, chunks: [] }
    } else {
      const entry = this.#entryOf(header)
      this.#pax = new Map()
      this.#longName = this.#longTarget = undefined
      this.#listener.entry(entry)
      this.#isOpen = true
      header = { ...header, sizeBytes: entry.sizeBytes }
    }
    this.#data = header.sizeBytes
    this.#padding = -header.sizeBytes & (BLOCK - 1)
    if (this.#data === 0) this.#endData()
  }

  #endData(): void {
    if (this.#isOpen) this.#listener.end()
    this.#isOpen = false
    if (!this.#extra) return
    const { type, chunks } = this.#extra
    const bytes = Buffer.concat(chunks)
    this.#extra = undefined
    // Global headers (`g`) hold comments; engines ignore them, too.
    if (type === 'x') this.#pax = new Map([...this.#pax, ...parsePax(bytes)])
    if (type === 'L') this.#longName = untilNul(bytes)
    if (type === 'K') this.#longTarget = untilNul(bytes)
  }

  #entryOf(header: RawHeader): TarEntry {
    const pax = (key: string) => this.#pax.get(key)?.toString('latin1')
    const name = pax('path') ?? this.#longName ?? header.name
    const target = pax('linkpath') ?? this.#longTarget ?? header.target
    const kind = kindOf({ type: header.type, name })
    const isSparse = header.type === 'S' || [...this.#pax.keys()].some(isSparseKey)
    if (kind === undefined || isSparse) {
      const what = isSparse
        ? 'a sparse file, which is not read: build the image without `tar --sparse`'
        : `of the unknown type ${JSON.stringify(header.type)}`
      const real = pax('GNU.sparse.name') ?? name
      throw new NarwhalError('invalid', `entry ${showName(real)} is ${what}`)
    }
    if (`${name}${target}`.includes('\0')) throw new NarwhalError('invalid', 'a name has a NUL')
    return {
      kind,
      name,
      target: kind === 'link' || kind === 'symlink' ? target : '',
      mode: header.mode,
      uid: idOf(pax('uid'), header.uid),
      gid: idOf(pax('gid'), header.gid),
      // Some archives state the size of a link's target, without data.
      sizeBytes: kind === 'file' ? sizeOf(pax('size'), header.sizeBytes) : 0,
      modifiedAt: timeOf(pax('mtime'), header.modifiedAt),
      major: header.major,
      minor: header.minor,
      attributes: this.#attributes(),
    }
  }

  #attributes(): Map<string, Buffer> {
    const own = [...this.#pax].filter(([key]) => key.startsWith(ATTRIBUTE))
    return new Map(own.map(([key, value]) => [key.slice(ATTRIBUTE.length), value]))
  }

  #hasExtras(): boolean {
    const { size } = this.#pax
    return size > 0 || this.#longName !== undefined || this.#longTarget !== undefined
  }
}

const isSparseKey = (key: string): boolean => key.startsWith('GNU.sparse.')

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end)
}

function idOf(text: string | undefined, otherwise: number): number {
  const id = numberOf(text, otherwise)
  if (Number.isSafeInteger(id) && id >= 0 && id <= HIGHEST_ID) return id
  throw new NarwhalError('invalid', `an entry has the owner ${text ?? otherwise}`)
}

function sizeOf(text: string | undefined, otherwise: number): number {
  const size = numberOf(text, otherwise)
  if (Number.isSafeInteger(size) && size >= 0) return size
  throw new NarwhalError('invalid', `an entry has the size ${text ?? otherwise}`)
}

function numberOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
}

function timeOf(text: string | undefined, otherwise: string): string {
  const time = text ?? otherwise
  return /^-?\d{1,12}(\.\d{1,30})?$/.test(time) ? time : '0'
}
