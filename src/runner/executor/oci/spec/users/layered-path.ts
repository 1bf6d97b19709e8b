import type { Stats } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../../../../lib/errors.ts'
import { isOpaque } from './opaque.ts'

/** The kernel's limit. */
const MOST_LINKS = 40

/** A folder of the merged tree: its parts in the layers, top first. */
type Merged = readonly string[]

interface Found {
  /** Those of a folder, or the one file. */
  readonly places: Merged
  readonly stats: Stats
}

/**
 * Where a file of an image is, given its layers as overlay would merge them (top first): whiteouts and opaque
 * folders hide what is below. Links are resolved within the image: an absolute one from its root, and `..`
 * never leads above that. Undefined if there is no such file. The layers must not change meanwhile.
 */
export async function findInLayers(
  layers: Merged,
  path: string,
): Promise<{ readonly place: string; readonly stats: Stats } | undefined> {
  const waiting = partsOf(path).reverse()
  let trail: readonly Merged[] = [layers]
  let links = 0
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (part === '..') {
      trail = trail.length > 1 ? trail.slice(0, -1) : trail
      continue
    }
    const found = await lookUp(trail.at(-1) ?? [], part, trail.length === 1)
    const place = found?.places[0]
    if (!found || place === undefined) return undefined
    if (found.stats.isSymbolicLink()) {
      if (++links > MOST_LINKS) return undefined
      const target = await readlink(place)
      if (target.startsWith('/')) trail = [layers]
      waiting.push(...partsOf(target).reverse())
    } else if (found.stats.isDirectory()) {
      trail = [...trail, found.places]
    } else {
      return waiting.length === 0 ? { place, stats: found.stats } : undefined
    }
  }
  return undefined
}

async function lookUp(folder: Merged, name: string, isRoot: boolean): Promise<Found | undefined> {
  const places: string[] = []
  let stats: Stats | undefined
  for (const [index, part] of folder.entries()) {
    const above = folder[index - 1]
    if (!isRoot && above !== undefined && (await isOpaque(above))) break
    const place = join(part, name)
    const here = await lstat(place).catch(nothing)
    if (!here) continue
    if (isWhiteout(here)) break
    if (stats && !here.isDirectory()) break
    places.push(place)
    stats ??= here
    if (!here.isDirectory()) break
  }
  return stats && { places, stats }
}

function nothing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENAMETOOLONG')) throw error
}

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}
