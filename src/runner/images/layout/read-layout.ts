import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import { type ParsedConfig, parseImageConfig } from './image-config.ts'
import {
  type Descriptor,
  hexOf,
  isIndex,
  type Manifest,
  parseManifest,
  sha256,
} from './manifest.ts'

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

/** Reads the only image of an OCI layout, which `skopeo copy` has made. Throws `invalid` if it is damaged. */
export async function readLayout(folder: string): Promise<FetchedImage> {
  const index = parseManifest(await readFile(join(folder, 'index.json'), 'utf8'))
  const [only] = isIndex(index) ? index.manifests : []
  if (!only) throw new NarwhalError('invalid', 'the layout has no image')
  const manifest = parseManifest(await readBlob(folder, only))
  if (isIndex(manifest)) throw new NarwhalError('invalid', 'the layout has no image but an index')
  const config = parseImageConfig(await readBlob(folder, manifest.config))
  return { ...config, digest: only.digest, layers: layersOf(folder, manifest, config.diffIds) }
}

/** Pairs the files of layers with their diff ids. */
export function layersOf(
  folder: string,
  { layers }: Pick<Manifest, 'layers'>,
  diffIds: readonly string[],
): FetchedLayer[] {
  if (layers.length !== diffIds.length) {
    const words = `its manifest has ${layers.length} layers, its configuration ${diffIds.length}`
    throw new NarwhalError('invalid', words)
  }
  return layers.map(({ digest, size }, index) => ({
    blob: blobPath(folder, digest),
    digest,
    diffId: diffIds[index] ?? '',
    sizeBytes: size,
  }))
}

export function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs/sha256', hexOf(digest))
}

/** A manifest or a configuration; a layer is too long. */
async function readBlob(folder: string, { digest }: Descriptor): Promise<string> {
  const bytes = await readFile(blobPath(folder, digest))
  if (sha256(bytes) !== digest) throw new NarwhalError('invalid', `its part ${digest} is damaged`)
  return bytes.toString('utf8')
}
