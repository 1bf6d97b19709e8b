import { quote } from '../words.ts'
import type { Fault } from './excerpt.ts'
import type { Part } from './read-includes.ts'
import { type Child, collection, type Source } from './source-tree.ts'

/** Sections that are joined over all files; names must be unique in each. */
const NAMED = { jobs: 'job', templates: 'template', inputs: 'input' } as const

/**
 * Joins several files into one: included jobs come before the file's own; of variables with one name the
 * file's own wins, then the first. Positions are preserved.
 */
export function joinParts(
  root: Source,
  parts: readonly Part[],
): { source: Source; faults: Fault[] } {
  if (parts.length === 0 || !isMapping(root)) return { source: root, faults: [] }
  const faults: Fault[] = []
  const children = new Map(root.place.children as ReadonlyMap<string, Child>)
  const all = [...parts, { name: 'narwhal.yml', source: root }]
  for (const [key, what] of Object.entries(NAMED)) {
    const joined = joinNamed(all, key, what, faults)
    if (joined) children.set(key, { ...children.get(key), source: joined })
  }
  const variables = joinVariables([all.at(-1), ...parts])
  if (variables) children.set('env', { ...children.get('env'), source: variables })
  return { source: mapping(root.place.offset, children), faults }
}

function joinNamed(
  parts: readonly Part[],
  key: string,
  what: string,
  faults: Fault[],
): Source | undefined {
  const found = parts.flatMap(({ name, source }) => {
    const at = source.place.children.get(key)?.source
    return at && isMapping(at) ? [{ name, at }] : []
  })
  const [first] = found
  if (!first) return undefined
  const children = new Map<string, Child>()
  const origins = new Map<string, string>()
  for (const { name, at } of found) {
    for (const [one, child] of at.place.children) {
      const origin = origins.get(String(one))
      if (origin !== undefined) {
        const message = `${what} ${quote(String(one))} is also in ${origin}: each needs its own name`
        faults.push({ offset: child.keyOffset ?? child.source.place.offset, message })
      }
      origins.set(String(one), origin ?? name)
      children.set(String(one), child)
    }
  }
  return mapping(found.at(-1)?.at.place.offset ?? first.at.place.offset, children)
}

function joinVariables(parts: readonly (Part | undefined)[]): Source | undefined {
  const found = parts.flatMap((part) => {
    const at = part?.source.place.children.get('env')?.source
    return at && isMapping(at) ? [at] : []
  })
  const [first] = found
  if (!first) return undefined
  const children = new Map<string, Child>()
  for (const { place } of found) {
    for (const [name, child] of place.children) {
      if (!children.has(String(name))) children.set(String(name), child)
    }
  }
  return mapping(first.place.offset, children)
}

function mapping(offset: number, children: ReadonlyMap<string, Child>): Source {
  const value: Record<string, unknown> = Object.create(null)
  for (const [key, { source }] of children) value[key] = source.value
  return collection(value, offset, children)
}

function isMapping({ value }: Source): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
