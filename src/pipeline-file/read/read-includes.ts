import { createHash } from 'node:crypto'
import type { IncludedSource } from '../../core/plan/plan.ts'
import { limits } from '../limits.ts'
import { quote } from '../words.ts'
import type { Fault, PlacedText } from './excerpt.ts'
import {
  type IncludedFiles,
  type IncludeRef,
  nameOf,
  parseInclude,
  relativeTo,
} from './include-ref.ts'
import { readDocument } from './read-document.ts'
import { locate, readSource, type Source } from './source-tree.ts'

/** An included file, in order of inclusion. */
export interface Part {
  readonly name: string
  readonly source: Source
}

export interface ReadIncludes {
  readonly parts: readonly Part[]
  readonly texts: readonly PlacedText[]
  readonly included: readonly IncludedSource[]
  /** Files that have not been loaded yet. */
  readonly wants: readonly IncludeRef[]
  /** Files that can't be checked here, reported where they are included. */
  readonly unread: readonly Fault[]
  readonly faults: readonly Fault[]
}

/** Reads a file's includes, transitively, from the loaded files. */
export function readIncludes(root: Source, text: string, files: IncludedFiles): ReadIncludes {
  const reader = new Reader(text, files)
  reader.follow(root, undefined, [])
  const { parts, texts, included, wants, unread, faults } = reader
  return { parts, texts, included, wants: [...wants.values()], unread, faults }
}

class Reader {
  readonly parts: Part[] = []
  readonly texts: PlacedText[]
  readonly included: IncludedSource[] = []
  readonly wants = new Map<string, IncludeRef>()
  readonly unread: Fault[] = []
  readonly faults: Fault[] = []
  readonly #files: IncludedFiles
  readonly #seen = new Set<string>()
  #base: number

  constructor(text: string, files: IncludedFiles) {
    this.texts = [{ text, base: 0 }]
    this.#files = files
    this.#base = text.length + 1
  }

  /** `way`: the chain of includes that led here. */
  follow(source: Source, parent: IncludeRef | undefined, way: readonly string[]): void {
    for (const { text, path } of includesOf(source)) {
      const given = parseInclude(text)
      // An invalid reference is reported with the rest of its file.
      if (!given) continue
      const ref = relativeTo(given, parent)
      const offset = locate(source, path, 'value') ?? source.place.offset
      const wrong = this.#read(ref, offset, way)
      if (wrong !== undefined) this.faults.push({ offset, message: wrong })
    }
  }

  /** Returns why it can't be included, if it can't. */
  #read(ref: IncludeRef, offset: number, way: readonly string[]): string | undefined {
    const name = nameOf(ref)
    const start = way.indexOf(name)
    if (start >= 0) return `include forms a cycle: ${[...way.slice(start), name].join(' → ')}`
    if (this.#seen.has(name)) return undefined
    if (way.length >= limits.includeDepth) {
      return `include is nested deeper than ${limits.includeDepth} files: ${[...way, name].join(' → ')}`
    }
    if (this.#seen.size >= limits.includes) return `more than ${limits.includes} files are included`
    this.#seen.add(name)
    const file = this.#files.get(name)
    if (!file) {
      this.wants.set(name, ref)
      return undefined
    }
    if ('unread' in file) {
      this.unread.push({ offset, message: `${quote(name)} was not checked: ${file.unread}` })
      return undefined
    }
    if ('trouble' in file) return `can't include ${quote(name)}: ${file.trouble}`
    return this.#add(ref, name, file, way)
  }

  #add(
    ref: IncludeRef,
    name: string,
    { text: whole, sha = '' }: { readonly text: string; readonly sha?: string },
    way: readonly string[],
  ): string | undefined {
    const text = whole.startsWith('\ufeff') ? whole.slice(1) : whole
    const base = this.#base
    if (base + text.length > 2 * limits.bytes) {
      return `${quote(name)} is too large: with all included files there are more than ${2 * limits.bytes} characters`
    }
    this.#base = base + text.length + 1
    this.texts.push({ text, base, file: name })
    this.included.push({
      source: name,
      sha,
      digest: createHash('sha256').update(text).digest('hex'),
    })
    const read = readDocument(text)
    const placed = read.ok ? readSource(read.document, base) : undefined
    const faults = read.ok
      ? (placed?.faults ?? [])
      : read.faults.map(({ offset, message }) => ({ offset: offset + base, message }))
    this.faults.push(...faults)
    if (!placed?.source) return undefined
    this.follow(placed.source, ref, [...way, name])
    this.parts.push({ name, source: placed.source })
    return undefined
  }
}

/** The values of `include` that are text. */
function includesOf({ value }: Source): { text: string; path: PropertyKey[] }[] {
  if (typeof value !== 'object' || value === null || !('include' in value)) return []
  const { include } = value
  const all = Array.isArray(include) ? (include as unknown[]) : [include]
  return all.flatMap((text, i) =>
    typeof text === 'string'
      ? [{ text, path: ['include', ...(Array.isArray(include) ? [i] : [])] }]
      : [],
  )
}
