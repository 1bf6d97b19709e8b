import { endianness } from 'node:os'
import type { Pattern } from './base64-forms.ts'

/** Four bytes as a number, multiplied by this and shifted, are an index into the filter. */
export const FILTER_FACTOR = 0x9e3779b1
export const FILTER_SHIFT = 16
/** The same for the larger table of leaps, which has more entries. */
export const LEAP_SHIFT = 14
/** Any range of this many bytes contains an aligned word. */
const LEAP_BYTES = 7

/**
 * Many byte patterns, none shorter than four bytes and none with a NUL, for one search: the automaton
 * of Aho and Corasick ("Efficient string matching", 1975). Each node is a prefix of patterns. Most have
 * one successor, which is then the next node; the others are in a map, so that a byte of a pattern takes
 * some fifteen bytes of memory and not a row of 256.
 */
export class PatternSet {
  /** A node's distance from the root. */
  readonly depth: Int32Array
  /** The node of the longest proper suffix that is a prefix of a pattern. */
  readonly fallback: Int32Array
  /** The length of the longest pattern that ends at a node; 0: none does. */
  readonly found: Int32Array
  readonly #label: Uint8Array
  /** Whether the next node is a successor. */
  readonly #isChained: Uint8Array
  readonly #branches = new Map<number, number>()
  readonly #branching: Uint8Array
  /** The nodes at depth four by their bytes; all of them are in the filter. */
  readonly #entries = new Map<number, number>()
  /** By `FILTER_FACTOR` and `FILTER_SHIFT`: 0 if no pattern begins with these four bytes. */
  readonly filter = new Uint8Array(2 ** (32 - FILTER_SHIFT))
  /**
   * By `FILTER_FACTOR` and `LEAP_SHIFT`: 0 for four bytes, little-endian, that are not among the first
   * seven of any pattern. One of the aligned words of the stream hits each pattern of seven bytes.
   * Absent if a pattern is shorter, and on a big-endian machine.
   */
  readonly leaps: Uint8Array | undefined
  #size = 1

  constructor(patterns: readonly Pattern[]) {
    const most = patterns.reduce((sum, pattern) => sum + bytesOf(pattern), 1)
    this.depth = new Int32Array(most)
    this.fallback = new Int32Array(most)
    this.found = new Int32Array(most)
    this.#label = new Uint8Array(most + 1)
    this.#isChained = new Uint8Array(most)
    this.#branching = new Uint8Array(most)
    const parents = new Int32Array(most)
    for (const pattern of patterns) this.#insert(pattern, parents)
    this.#link(parents)
    this.leaps = leapsOf(patterns.map(({ bytes }) => bytes))
  }

  get isEmpty(): boolean {
    return this.#size === 1
  }

  /** The successor of a node for a byte; -1: there is none. */
  next(node: number, byte: number): number {
    if (this.#isChained[node] === 1 && this.#label[node + 1] === byte) return node + 1
    if (this.#branching[node] === 0) return -1
    return this.#branches.get(node * 256 + byte) ?? -1
  }

  /** The node of four bytes, big-endian; 0 if no pattern begins with them. */
  entry(word: number): number {
    if (this.filter[Math.imul(word, FILTER_FACTOR) >>> FILTER_SHIFT] === 0) return 0
    return this.#entries.get(word) ?? 0
  }

  /** How many of the last three bytes of a word are a prefix of a pattern, at most. */
  beginningAtEnd(word: number): number {
    for (let length = 3; length > 0; length--) {
      let node = 0
      for (let left = length - 1; left >= 0 && node >= 0; left--) {
        node = this.next(node, (word >>> (8 * left)) & 0xff)
      }
      if (node > 0) return length
    }
    return 0
  }

  #insert({ bytes, ends }: Pattern, parents: Int32Array): void {
    let node = 0
    for (const byte of bytes) node = this.#step(node, byte, parents)
    this.found[node] = bytes.length
    for (const end of ends ?? []) {
      let last = node
      for (const byte of end) last = this.#step(last, byte, parents)
      this.found[last] = bytes.length + end.length
    }
  }

  #step(node: number, byte: number, parents: Int32Array): number {
    const next = this.next(node, byte)
    return next === -1 ? this.#add(node, byte, parents) : next
  }

  #add(parent: number, byte: number, parents: Int32Array): number {
    const node = this.#size++
    this.#label[node] = byte
    this.depth[node] = (this.depth[parent] ?? 0) + 1
    parents[node] = parent
    if (node === parent + 1) {
      this.#isChained[parent] = 1
    } else {
      this.#branching[parent] = 1
      this.#branches.set(parent * 256 + byte, node)
    }
    return node
  }

  /** Fallbacks are derived from those of shorter prefixes. */
  #link(parents: Int32Array): void {
    for (const node of this.#byDepth()) {
      const byte = this.#label[node] ?? 0
      const parent = parents[node] ?? 0
      const fallback = parent === 0 ? 0 : this.#follow(this.fallback[parent] ?? 0, byte)
      this.fallback[node] = fallback
      if (this.found[node] === 0) this.found[node] = this.found[fallback] ?? 0
      if (this.depth[node] === 4) this.#enter(node, parents)
    }
  }

  #follow(from: number, byte: number): number {
    for (let node = from; ; node = this.fallback[node] ?? 0) {
      const next = this.next(node, byte)
      if (next !== -1) return next
      if (node === 0) return 0
    }
  }

  #enter(node: number, parents: Int32Array): void {
    let word = 0
    for (let at = node, shift = 0; at !== 0; at = parents[at] ?? 0, shift += 8) {
      word |= (this.#label[at] ?? 0) << shift
    }
    this.#entries.set(word, node)
    this.filter[Math.imul(word, FILTER_FACTOR) >>> FILTER_SHIFT] = 1
  }

  /** All nodes except the root, by depth. */
  #byDepth(): Int32Array {
    const depths = this.depth.subarray(0, this.#size)
    const starts = new Int32Array(depths.reduce((most, depth) => Math.max(most, depth), 0) + 2)
    for (const depth of depths) starts[depth + 1] = (starts[depth + 1] ?? 0) + 1
    for (let depth = 1; depth < starts.length; depth++) {
      starts[depth] = (starts[depth] ?? 0) + (starts[depth - 1] ?? 0)
    }
    const order = new Int32Array(this.#size)
    for (let node = 0; node < this.#size; node++) {
      const depth = depths[node] ?? 0
      const at = starts[depth] ?? 0
      starts[depth] = at + 1
      order[at] = node
    }
    return order.subarray(1)
  }
}

function bytesOf({ bytes, ends = [] }: Pattern): number {
  return ends.reduce((sum, { length }) => sum + length, bytes.length)
}

function leapsOf(patterns: readonly Uint8Array[]): Uint8Array | undefined {
  // Words are read in the machine's byte order.
  if (endianness() !== 'LE') return undefined
  if (patterns.some(({ length }) => length < LEAP_BYTES)) return undefined
  const leaps = new Uint8Array(2 ** (32 - LEAP_SHIFT))
  for (const pattern of patterns) {
    for (let at = 0; at + 4 <= LEAP_BYTES; at++) {
      const [a = 0, b = 0, c = 0, d = 0] = pattern.subarray(at, at + 4)
      const word = a | (b << 8) | (c << 16) | (d << 24)
      leaps[Math.imul(word, FILTER_FACTOR) >>> LEAP_SHIFT] = 1
    }
  }
  return leaps
}
