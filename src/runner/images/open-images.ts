import { join } from 'node:path'
import { present } from '../../lib/present.ts'
import type { FetchEnv } from './fetch/fetch-env.ts'
import { Skopeo } from './fetch/skopeo.ts'
import { RegistryImages } from './registry-images.ts'
import type { ImageStore } from './store/image-store.ts'
import { type OpenImageStore, openImageStore } from './store/open-image-store.ts'
import type { StrangersWay } from './strangers-way.ts'

export interface OpenImages extends OpenImageStore {
  /** See `readFetchEnv`. */
  readonly env: FetchEnv
  /** How much all images may take before those that were used longest ago are removed. */
  readonly mostBytes: number
  /** How images are fetched for strangers' jobs; absent: there are none. */
  readonly strangers?: StrangersWay
}

/** The images of a runner; disposed of after everything that holds one. */
export interface OpenedImages extends AsyncDisposable {
  readonly images: RegistryImages
  readonly store: ImageStore
  readonly skopeo: Skopeo
}

/** Opens the images in a runner's data folder; rejects as `openImageStore`. */
export async function openImages({
  env,
  mostBytes,
  strangers,
  ...options
}: OpenImages): Promise<OpenedImages> {
  const store = await openImageStore(options)
  const skopeo = new Skopeo(join(store.folder.path, 'skopeo'), env)
  const images = new RegistryImages({ store, skopeo, env, mostBytes, ...present({ strangers }) })
  return { images, store, skopeo, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}
