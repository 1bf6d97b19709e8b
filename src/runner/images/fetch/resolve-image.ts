import { NarwhalError } from '../../../lib/errors.ts'
import type { FetchedLayer } from '../layout/fetched-image.ts'
import { layersOf } from '../layout/fetched-image.ts'
import { type ParsedConfig, parseImageConfig } from '../layout/image-config.ts'
import { checkMachine, chooseManifest } from '../layout/machine.ts'
import { isIndex, type Manifest, parseManifest, sha256 } from '../layout/manifest.ts'
import { type RegistryPlace, transportOf } from './registry-place.ts'
import type { Skopeo } from './skopeo.ts'

export interface ResolveImage {
  readonly skopeo: Skopeo
  readonly place: RegistryPlace
  /** The tag, or the digest that was found for it. */
  readonly version: string
  /** Options of `skopeo inspect`. */
  readonly options: readonly string[]
  readonly tmp: string
  readonly signal: AbortSignal
}

/** What a registry says of an image for this machine, all of it checked by digests. */
export interface ResolvedImage extends ParsedConfig {
  /** Of the platform's manifest. */
  readonly digest: string
  readonly indexDigest?: string
  readonly layers: readonly Omit<FetchedLayer, 'blob'>[]
}

/** Reads the index, the manifest and the configuration. Throws `invalid` if there is none for this machine. */
export async function resolveImage(ask: ResolveImage): Promise<ResolvedImage> {
  const first = await readManifest(ask, ask.version)
  let manifest: Manifest
  let { digest } = first
  if (isIndex(first.manifest)) {
    digest = chooseManifest(first.manifest).digest
    const second = await readManifest(ask, digest)
    if (isIndex(second.manifest)) throw new NarwhalError('invalid', 'its index names another index')
    manifest = second.manifest
  } else manifest = first.manifest
  const json = await inspect(ask, ['--config'], digest)
  if (sha256(json) !== manifest.config.digest) throw damaged('configuration')
  const config = parseImageConfig(json)
  checkMachine(config)
  const layers = layersOf(manifest, config.diffIds, () => '')
  const index = digest === first.digest ? {} : { indexDigest: first.digest }
  return { ...config, digest, layers, ...index }
}

async function readManifest(ask: ResolveImage, version: string) {
  const json = await inspect(ask, [], version)
  const digest = sha256(json)
  if (version.startsWith('sha256:') && version !== digest) throw damaged('manifest')
  return { digest, manifest: parseManifest(json) }
}

function inspect(
  { skopeo, place, options, tmp, signal }: ResolveImage,
  more: readonly string[],
  version: string,
): Promise<string> {
  const what = transportOf(place, version)
  return skopeo.run(['inspect', '--raw', ...more, ...options, what], { signal, tmp })
}

function damaged(what: string): NarwhalError {
  return new NarwhalError('invalid', `its ${what} has another digest than its registry says`)
}
