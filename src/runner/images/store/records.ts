import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../../../lib/errors.ts'
import type { ImageConfig } from '../held-image.ts'
import type { FetchedImage } from '../layout/fetched-image.ts'
import type { StoreFolder } from './store-folder.ts'
import { isThere, type Unsettled } from './unsettled.ts'

/** A reference by which an image can be held. */
export interface NameRecord {
  readonly reference: string
  readonly digest: string
  readonly indexDigest?: string
  /** Whether it was fetched without a login. */
  readonly isPublic?: true
  /** Imported ones can't be fetched again, and anybody may use them. */
  readonly isImported?: true
}

/** An image by the digest of its manifest. */
export interface ImageRecord {
  readonly digest: string
  readonly config: ImageConfig
  /** From the bottom. */
  readonly diffIds: readonly string[]
  /** Names all its layers in this order, as the OCI specification says. */
  readonly chain: string
}

/** What the layers of an image show together. */
export interface TopRecord extends Unsettled {
  readonly lowest: number
  /** Whether it has files of its own, in `fs`. */
  readonly hasFiles: boolean
  /** Whether each of the layers is empty, from the bottom. */
  readonly isEmpty: readonly boolean[]
  /** The highest id of an owner, and an entry that has it. */
  readonly highest: { readonly id: number; readonly path: string }
  /** How many ids could be written when it was unpacked. */
  readonly idCount: number
  /** For the log of a job that pulls the image. */
  readonly notes: readonly string[]
}

export function recordOf({ digest, config, diffIds }: Omit<FetchedImage, 'layers'>): ImageRecord {
  return { digest, config, diffIds, chain: chainOf(diffIds) }
}

/** Our own files are trusted; undefined: it is not there, or was cut short by a loss of power. */
export function findRecord<Kind>(path: string): Kind | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kind
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

export function findTop(folder: StoreFolder, chain: string): TopRecord | undefined {
  const top = findRecord<TopRecord>(join(folder.top(chain), 'top.json'))
  return top && isThere(top) ? top : undefined
}

/** All names, or all images. */
export function listRecords<Kind>(folder: StoreFolder, kind: 'names' | 'images'): Kind[] {
  return readdirSync(folder.join(kind)).flatMap((file) => {
    const record = findRecord<Kind>(folder.join(kind, file))
    return record ? [record] : []
  })
}

/** When an image was used last is the time of its record. */
export function markUsed(path: string): void {
  // Holds may follow one another within a millisecond.
  const seconds = (performance.timeOrigin + performance.now()) / 1000
  utimesSync(path, seconds, seconds)
}

export function usedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function chainOf(diffIds: readonly string[]): string {
  const sha = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
  return diffIds.reduce((chain, id) => (chain ? sha(`${chain} ${id}`) : id), '') || sha('')
}
