import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { limits } from '../limits.ts'
import { quote } from '../words.ts'
import type { Fault } from './excerpt.ts'
import { tooManyValues } from './read-document.ts'

/** The position of a value in the text; offsets in UTF-16 code units. */
export interface Place {
  readonly offset: number
  /** A scalar as written, without quotation marks. */
  readonly text?: string
  readonly children: ReadonlyMap<string | number, Child>
}

export interface Child {
  /** The offset of the key; absent in a list. */
  readonly keyOffset?: number
  readonly source: Source
}

/** A value with its position, and its size with every alias expanded. */
export interface Source {
  readonly value: unknown
  readonly place: Place
  readonly nodes: number
  readonly characters: number
  readonly height: number
}

interface Reading {
  readonly faults: Fault[]
  /** Added to every offset. */
  readonly base: number
  /** The values of the anchors so far; `undefined` while one is being read. */
  readonly anchors: Map<string, Source | undefined>
  /** How many keys `<<` has merged. */
  mergedKeys: number
}

/**
 * Converts a document to plain values: mappings without a prototype, lists, strings, numbers, booleans and
 * null. An alias becomes the very object that it repeats, so nothing is copied; its size as a copy is
 * counted, and a bomb yields no source. `<<` merges. Duplicate keys, aliases that contain themselves and keys
 * that aren't text are faults. `base` is added to all offsets, for concatenated texts.
 */
export function readSource(
  document: Document.Parsed,
  base = 0,
): { source?: Source; faults: Fault[] } {
  const reading: Reading = { faults: [], anchors: new Map(), mergedKeys: 0, base }
  const source = read(document.contents, document.range[0] + base, reading)
  const tooLarge = weigh(source, reading.mergedKeys)
  if (tooLarge === undefined) return { source, faults: reading.faults }
  return { faults: [{ offset: source.place.offset, message: tooLarge }] }
}

/** Which limit it exceeds, if any. */
export function weigh({ nodes, characters, height }: Source, mergedKeys = 0): string | undefined {
  if (nodes > limits.nodes || mergedKeys > limits.nodes) return tooManyValues
  if (characters > limits.characters) return tooMuchText
  if (height > limits.depth)
    return `the file is nested deeper than ${limits.depth} levels by its aliases`
  return undefined
}

const tooMuchText = `the file contains more than ${limits.characters} characters, counting each alias as what it repeats`

function read(node: unknown, fallback: number, reading: Reading): Source {
  if (isAlias(node)) return readAlias(node.source, placeOf(node, fallback, reading), reading)
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined
  if (anchor !== undefined) reading.anchors.set(anchor, undefined)
  const source = isMap(node)
    ? readMap(node, fallback, reading)
    : isSeq(node)
      ? readList(node, fallback, reading)
      : readScalar(isScalar(node) ? node : undefined, fallback, reading)
  if (anchor !== undefined) reading.anchors.set(anchor, source)
  return source
}

/** The offset of a node; `fallback` already includes the base. */
function placeOf(
  node: { readonly range?: readonly [number, number, number] | null } | null | undefined,
  fallback: number,
  { base }: Reading,
): number {
  const offset = node?.range?.[0]
  return offset === undefined ? fallback : offset + base
}

function readAlias(anchor: string, offset: number, { anchors, faults }: Reading): Source {
  const target = anchors.get(anchor)
  if (target) return { ...target, place: { ...target.place, offset } }
  const message = anchors.has(anchor)
    ? `the alias *${anchor} is inside of what it repeats`
    : `the alias *${anchor} repeats nothing: no &${anchor} comes before it`
  faults.push({ offset, message })
  return broken(offset)
}

function readScalar(node: Scalar | undefined, fallback: number, reading: Reading): Source {
  const offset = placeOf(node, fallback, reading)
  const text = node?.source ?? ''
  const value: unknown = node?.value ?? null
  const place = { offset, text, children: new Map() }
  return { value, place, nodes: 1, characters: text.length, height: 0 }
}

function readList(node: YAMLSeq, fallback: number, reading: Reading): Source {
  const offset = placeOf(node, fallback, reading)
  const children = new Map<number, Child>()
  const value = node.items.map((item, index) => {
    const source = read(item, offset, reading)
    children.set(index, { source })
    return source.value
  })
  return collection(value, offset, children)
}

function readMap(node: YAMLMap, fallback: number, reading: Reading): Source {
  const offset = placeOf(node, fallback, reading)
  const own = new Map<string, Child>()
  const merged = new Map<string, Child>()
  for (const pair of node.items) {
    const keyOffset = placeOf(pair.key as Scalar | null, offset, reading)
    const key = readKey(pair, keyOffset, own, reading)
    const source = read(pair.value, keyOffset, reading)
    if (key === undefined) continue
    if (key === '<<') merge(source, keyOffset, merged, reading)
    else own.set(key, { keyOffset, source })
  }
  const children = new Map([...merged, ...own])
  const value: Record<string, unknown> = Object.create(null)
  for (const [key, { source }] of children) value[key] = source.value
  return collection(value, offset, children)
}

/** The pair's key; undefined, with a fault, if it can't be used. */
function readKey(
  { key }: Pair,
  offset: number,
  own: ReadonlyMap<string, Child>,
  { faults }: Reading,
): string | undefined {
  const refuse = (message: string): undefined => {
    faults.push({ offset, message })
  }
  if (!isScalar(key)) return refuse('a key must be a string')
  if (key.anchor !== undefined) return refuse("a key can't have an anchor")
  const name = typeof key.value === 'string' ? key.value : (key.source ?? '')
  if (name === '' && key.value === null) return refuse('a key is missing before the colon')
  // As a property this would set the prototype.
  if (name === '__proto__') return refuse("__proto__ can't be a key")
  if (own.has(name)) return refuse(`the key ${quote(name)} is given twice`)
  return name
}

/** Merges the keys of `<<`; the first mapping takes precedence, as YAML's merge type says. */
function merge(from: Source, keyOffset: number, into: Map<string, Child>, reading: Reading): void {
  const sources = Array.isArray(from.value)
    ? [...from.place.children.values()].map((child) => child.source)
    : [from]
  for (const { value, place } of sources) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      reading.faults.push({
        offset: keyOffset,
        message: '<< takes a mapping or a list of mappings',
      })
      return
    }
    reading.mergedKeys += place.children.size
    // The copies are what is expensive; the whole file is rejected then.
    if (reading.mergedKeys > limits.nodes) return
    for (const [key, child] of place.children) {
      if (!into.has(String(key))) into.set(String(key), child)
    }
  }
}

/** A mapping or a list, with the total size of its children. */
export function collection(
  value: unknown,
  offset: number,
  children: ReadonlyMap<string | number, Child>,
): Source {
  let nodes = 1
  let characters = 0
  let height = 0
  for (const [key, { source }] of children) {
    nodes += source.nodes
    characters += source.characters + (typeof key === 'string' ? key.length : 0)
    height = Math.max(height, source.height)
  }
  return { value, place: { offset, children }, nodes, characters, height: height + 1 }
}

/** Marks a value with a reported fault: other faults there are consequences. */
const BROKEN = Symbol('broken')

function broken(offset: number): Source {
  return {
    value: BROKEN,
    place: { offset, children: new Map() },
    nodes: 1,
    characters: 0,
    height: 0,
  }
}

/**
 * The best offset for a message about a path: its key, its value, or, if the file has nothing there, the key
 * of the nearest existing parent. Undefined if a fault was already reported there.
 */
export function locate(
  root: Source,
  path: readonly PropertyKey[],
  at: 'key' | 'value',
): number | undefined {
  let keyOffset: number | undefined
  let source = root
  for (const part of path) {
    const child = source.place.children.get(part as string | number)
    if (!child) return keyOffset ?? source.place.offset
    source = child.source
    keyOffset = child.keyOffset
  }
  if (source.value === BROKEN) return undefined
  return at === 'key' || source.value === null
    ? (keyOffset ?? source.place.offset)
    : source.place.offset
}

/** The scalar at a path as written; undefined if there is none. */
export function textAt(root: Source, path: readonly PropertyKey[]): string | undefined {
  return sourceAt(root, path)?.place.text
}

/** The source at a path; undefined if there is none. */
export function sourceAt(root: Source, path: readonly PropertyKey[]): Source | undefined {
  let source: Source | undefined = root
  for (const part of path) source = source?.place.children.get(part as string | number)?.source
  return source
}
