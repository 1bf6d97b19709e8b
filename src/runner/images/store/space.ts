import { statfs } from 'node:fs/promises'
import { NarwhalError } from '../../../lib/errors.ts'

/** What is fetched, and what it becomes: how far a layer unpacks isn't known before. */
const GROWTH = 3
/** Of an average image. */
const BYTES_PER_FILE = 16_384

/** How much layers of this size are expected to take, while they are unpacked. */
export function spaceFor(layerBytes: number): number {
  return layerBytes * (1 + GROWTH)
}

/** Rejects with `exhausted` if a file system has no room for layers of this size, by bytes or by inodes. */
export async function checkSpace(folder: string, layerBytes: number): Promise<void> {
  const { bavail, bsize, ffree, files } = await statfs(folder)
  const bytes = spaceFor(layerBytes)
  const wanted = Math.ceil((layerBytes * GROWTH) / BYTES_PER_FILE)
  if (bavail * bsize < bytes) {
    const free = inMb(bavail * bsize)
    throw full(folder, `about ${inMb(bytes)} MB are needed, and ${free} MB are free`)
  }
  // Some file systems have no limit, and say 0.
  if (files > 0 && ffree < wanted) {
    throw full(folder, `about ${wanted} inodes are needed, and ${ffree} are free`)
  }
}

function full(folder: string, what: string): NarwhalError {
  const words = `no space for the image in ${folder}: ${what}; free some, or remove images with narwhal image prune`
  return new NarwhalError('exhausted', words)
}

function inMb(bytes: number): number {
  return Math.ceil(bytes / 1_000_000)
}
