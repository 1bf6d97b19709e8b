import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import type { ParsedConfig } from './image-config.ts'
import { hexOf, type Manifest } from './manifest.ts'

/** An image whose files are on this machine, but for its layers not yet checked. */
export interface FetchedImage extends ParsedConfig {
  /** Of its manifest. */
  readonly digest: string
  /** From the bottom. */
  readonly layers: readonly FetchedLayer[]
}

export interface FetchedLayer {
  /** The layer's file; there once `ready` has resolved. */
  readonly blob: string
  readonly ready?: Promise<void>
  readonly digest: string
  readonly diffId: string
  readonly sizeBytes: number
}

/** Pairs the files of layers with their diff ids. */
export function layersOf(
  { layers }: Pick<Manifest, 'layers'>,
  diffIds: readonly string[],
  blobOf: (digest: string) => string,
): FetchedLayer[] {
  if (layers.length !== diffIds.length) {
    const words = `its manifest has ${layers.length} layers, its configuration ${diffIds.length}`
    throw new NarwhalError('invalid', words)
  }
  return layers.map(({ digest, size }, index) => ({
    blob: blobOf(digest),
    digest,
    diffId: diffIds[index] ?? '',
    sizeBytes: size,
  }))
}

export function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs/sha256', hexOf(digest))
}
