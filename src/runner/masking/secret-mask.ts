import { PatternScan, type Stretch } from './pattern-scan.ts'
import { PatternSet } from './pattern-set.ts'
import { formsOf } from './secret-forms.ts'

const MASK = Buffer.from('***')
const NOTHING = Buffer.alloc(0)

/** Values that must not be shown, prepared for being masked in a job's output. */
export class SecretMask {
  readonly #exact: PatternSet
  readonly #wrapped: PatternSet

  constructor(values: Iterable<string>) {
    const { exact, wrapped } = formsOf(values)
    this.#exact = new PatternSet(exact)
    this.#wrapped = new PatternSet(wrapped)
  }

  /** Undefined if there is nothing to mask, so that it costs nothing. */
  static of(values: Iterable<string>): SecretMask | undefined {
    const mask = new SecretMask(values)
    return mask.#exact.isEmpty ? undefined : mask
  }

  /** Masks a stream of bytes. */
  openStream(): MaskedStream {
    return new MaskedStream(this.scansFrom(0))
  }

  /** The scans for a stream from this offset on. */
  scansFrom(place: number): readonly PatternScan[] {
    return [new PatternScan(this.#exact, false, place), new PatternScan(this.#wrapped, true, place)]
  }

  /** Masks a complete text. */
  text(text: string): string {
    const stream = this.openStream()
    return Buffer.concat([stream.write(Buffer.from(text)), stream.end()]).toString()
  }
}

/**
 * One stream with its secrets masked: each range that is a form of a secret, or of several that overlap,
 * becomes `***`, however the stream is split into pieces. Bytes at the end are held back while they may
 * be the beginning of a secret, however long that takes.
 */
export class MaskedStream {
  readonly #scans: readonly PatternScan[]
  /** The scans for masks that were added later. */
  #more = new Map<SecretMask, readonly PatternScan[]>()
  #held = NOTHING
  /** The offset in the stream of what is held back. */
  #from = 0
  /** Ranges of matches that reach into what is held back. */
  #open: Stretch[] = []
  /** Whether the output ends with a mask, which an adjacent range extends. */
  #endsInMask = false

  /** The scans must be new. */
  constructor(scans: readonly PatternScan[]) {
    this.#scans = scans
  }

  /** From what is held back on, applies these masks, too, instead of those of an earlier call. */
  hideAlso(masks: readonly SecretMask[]): void {
    const found: Stretch[] = []
    const scansOf = (mask: SecretMask): readonly PatternScan[] => {
      const scans = mask.scansFrom(this.#from)
      for (const scan of scans) found.push(...scan.scan(this.#held))
      return scans
    }
    const known = this.#more
    this.#more = new Map(masks.map((mask) => [mask, known.get(mask) ?? scansOf(mask)]))
    // Matches of the earlier masks stay.
    this.#open = merge([...this.#open, ...found])
  }

  /** Returns what can be output now; bytes without any trace of a secret are returned unchanged. */
  write(bytes: Buffer): Buffer {
    const scans = this.#all
    const found = scans.flatMap((scan) => scan.scan(bytes))
    const end = this.#from + this.#held.length + bytes.length
    const safe = Math.min(end, ...scans.map(({ pending }) => pending))
    const isUntouched = this.#held.length === 0 && this.#open.length === 0 && found.length === 0
    if (isUntouched && safe === end) {
      this.#from = end
      this.#forget(end)
      if (bytes.length > 0) this.#endsInMask = false
      return bytes
    }
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    this.#open = merge([...this.#open, ...found])
    return this.#give(all, safe)
  }

  /**
   * Returns what was held back. The unfinished beginning of a secret is masked, too, unless it has at
   * most three bytes, which might be anything.
   */
  end(): Buffer {
    const end = this.#from + this.#held.length
    const unfinished = this.#all.flatMap((scan) => scan.unfinished ?? [])
    this.#open = merge([...this.#open, ...unfinished])
    const rest = this.#give(this.#held, end)
    this.#endsInMask = false
    for (const scan of this.#all) scan.reset()
    return rest
  }

  get #all(): readonly PatternScan[] {
    return this.#more.size === 0 ? this.#scans : [...this.#scans, ...this.#more.values()].flat()
  }

  /** Returns all before `safe`, and holds back the rest. */
  #give(all: Buffer, safe: number): Buffer {
    const parts: Buffer[] = []
    let at = this.#from
    const plainUntil = (place: number): void => {
      if (place <= at) return
      parts.push(all.subarray(at - this.#from, place - this.#from))
      this.#endsInMask = false
      at = place
    }
    for (const { start, end } of this.#open) {
      if (start >= safe) break
      plainUntil(start)
      if (!this.#endsInMask) parts.push(MASK)
      this.#endsInMask = true
      at = Math.max(at, Math.min(end, safe))
    }
    plainUntil(safe)
    this.#open = this.#open.flatMap(({ start, end }) =>
      end <= safe ? [] : [{ start: Math.max(start, safe), end }],
    )
    // A copy: what is held back is small, and must not keep a large buffer alive.
    this.#held = Buffer.from(all.subarray(safe - this.#from))
    this.#from = safe
    this.#forget(safe)
    return parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts)
  }

  #forget(before: number): void {
    for (const scan of this.#all) scan.forget(before)
  }
}

/** The ranges in order, merged if they overlap or touch. */
function merge(stretches: readonly Stretch[]): Stretch[] {
  const merged: Stretch[] = []
  for (const { start, end } of stretches.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last && last.end >= start) {
      merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, end) }
    } else {
      merged.push({ start, end })
    }
  }
  return merged
}
