import { readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { LayerFacts } from '../layer/unpack-layer.ts'
import { hexOf } from '../layout/manifest.ts'
import { findRecord, type ImageRecord, listRecords, type NameRecord, usedAt } from './records.ts'
import type { StoreFolder } from './store-folder.ts'

/** An image in the store. */
export interface ListedImage {
  readonly reference: string
  readonly digest: string
  readonly indexDigest?: string
  readonly isImported: boolean
  readonly isInUse: boolean
  /** Of all its layers, those that others share, too. */
  readonly bytes: number
  readonly usedAt: number
}

/** A file takes at least this much. */
const BLOCK_BYTES = 4096
const DAY_MS = 24 * 60 * 60_000

/** All images that have names, the last used first. Called under the store's lock, as all here. */
export function listImages(folder: StoreFolder, used: ReadonlySet<string>): ListedImage[] {
  const images = listRecords<NameRecord>(folder, 'names').flatMap((name): ListedImage[] => {
    const image = findRecord<ImageRecord>(folder.image(name.digest))
    if (!image) return []
    const { isImported = false, isPublic: _, ...rest } = name
    return [
      {
        ...rest,
        isImported,
        isInUse: used.has(name.digest),
        bytes: image.diffIds.reduce((sum, id) => sum + layerBytes(folder.layer(id)), 0),
        usedAt: usedAt(folder.image(name.digest)),
      },
    ]
  })
  return images.toSorted((a, b) => b.usedAt - a.usedAt)
}

/** What all layers of the store take, and the files that are kept for pulls. */
export function storeBytes(folder: StoreFolder): number {
  let sum = 0
  for (const range of readdirSync(folder.join('layers'))) {
    for (const hex of readdirSync(folder.join('layers', range))) {
      sum += layerBytes(folder.join('layers', range, hex))
    }
  }
  for (const name of readdirSync(folder.join('blobs'))) {
    sum += statSync(folder.join('blobs', name), { throwIfNoEntry: false })?.size ?? 0
  }
  return sum
}

/** Takes a name away; what nothing else names goes with `sweep`. */
export function removeName(folder: StoreFolder, reference: string): void {
  rmSync(folder.name(reference), { force: true })
}

/** Takes everything out of sight that neither has a name nor is in use. */
export function sweep(folder: StoreFolder, used: ReadonlySet<string>): void {
  const named = listRecords<NameRecord>(folder, 'names').map(({ digest }) => digest)
  const kept = new Set([...named, ...used])
  const images = listRecords<ImageRecord>(folder, 'images')
  for (const { digest } of images) if (!kept.has(digest)) rmSync(folder.image(digest))
  const alive = images.filter(({ digest }) => kept.has(digest))
  const tops = new Set(alive.map(({ chain }) => hexOf(chain)))
  const layers = new Set(alive.flatMap(({ diffIds }) => diffIds.map(hexOf)))
  // The tops first: where one is, all its layers are.
  keepOnly(folder, 'tops', tops)
  keepOnly(folder, 'layers', layers)
}

/** Removes the finished files of pulls that nobody has gone on with for a day. */
export function removeBlobs(folder: StoreFolder, olderThanMs = DAY_MS): void {
  for (const name of readdirSync(folder.join('blobs'))) {
    const path = folder.join('blobs', name)
    const { mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}
    if (Date.now() - mtimeMs > olderThanMs) rmSync(path, { force: true })
  }
}

function keepOnly(folder: StoreFolder, kind: 'tops' | 'layers', kept: ReadonlySet<string>): void {
  for (const range of readdirSync(folder.join(kind))) {
    for (const hex of readdirSync(folder.join(kind, range))) {
      if (!kept.has(hex)) renameSync(folder.join(kind, range, hex), folder.newTrash())
    }
  }
}

function layerBytes(path: string): number {
  const facts = findRecord<LayerFacts>(join(path, 'facts.json'))
  return facts ? facts.bytes + facts.entries * BLOCK_BYTES : 0
}
