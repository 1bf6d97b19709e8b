import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageReference } from '../../../core/image-reference.ts'
import { allOrNone } from '../../../lib/async/all-or-none.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import { hexOf } from '../layout/manifest.ts'
import type { ImageStore, NewName } from '../store/image-store.ts'
import { checkSpace, spaceFor } from '../store/space.ts'
import { copyLayers } from './copy-layers.ts'
import { failureOf, notReadable } from './fetch-failure.ts'
import type { Login } from './login.ts'
import { type Registry, tlsOptions } from './registry.ts'
import { placeOf, type RegistryPlace, transportOf } from './registry-place.ts'
import { type ResolvedImage, resolveImage } from './resolve-image.ts'
import { type Patience, retrying } from './retrying.ts'
import type { Skopeo } from './skopeo.ts'

export interface FetchImage {
  readonly store: ImageStore
  readonly skopeo: Skopeo
  readonly registry: Registry
  readonly image: ImageReference
  readonly login: Login | undefined
  /** Whether that is the job's own: then it is never left out. */
  readonly isOwnLogin: boolean
  readonly isStranger: boolean
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
  /** Called once it has its name, while it can't be removed yet. */
  readonly onAdded: () => Promise<void>
  readonly patience: Patience
}

/** What is known of an image before it is fetched. */
interface Known {
  readonly place: RegistryPlace
  /** The digest that its name means now. */
  readonly version: string
  /** Whether it can be read without a login. */
  readonly isPublic: boolean
}

/**
 * Fetches an image into the store. An operator's login that the registry refuses is left out once: public images
 * need none, and it may have expired.
 */
export async function fetchImage(fetch: FetchImage): Promise<void> {
  const { login, isOwnLogin, onProgress, image, signal } = fetch
  try {
    const known = await retrying(fetch, () => know(fetch))
    try {
      return await fetchOrMakeRoom(fetch, known)
    } catch (error) {
      signal.throwIfAborted()
      if (!login || isOwnLogin || !known.isPublic || failureOf(error) !== 'denied') throw error
      onProgress(`the login for the registry of ${image.full} is refused: going on without it`)
      return await fetchAs({ ...fetch, login: undefined }, known)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw explain(error, image.full)
  }
}

/** Asks without the login first: what is public is for everybody, whoever has fetched it. */
async function know(fetch: FetchImage): Promise<Known> {
  const { registry, login, isStranger, signal, image } = fetch
  const place = placeOf(image)
  const ask = { place, isStranger, signal }
  const open = await registry.find({ ...ask, login: undefined })
  if (open.kind === 'found') return { place, version: open.digest, isPublic: true }
  const found = login ? await registry.find({ ...ask, login }) : open
  if (found.kind === 'found') return { place, version: found.digest, isPublic: false }
  throw registry.errorOf(found, image.full)
}

/** What layers unpack to is only a guess: if there is no room, the oldest image goes, and it is tried once more. */
async function fetchOrMakeRoom(fetch: FetchImage, known: Known): Promise<void> {
  try {
    return await fetchAs(fetch, known)
  } catch (error) {
    fetch.signal.throwIfAborted()
    const isFull = failureOf(error) === 'full' || NarwhalError.from(error).code === 'exhausted'
    if (!isFull || !(await fetch.store.makeRoom(1))) throw error
    return await fetchAs(fetch, known)
  }
}

async function fetchAs(fetch: FetchImage, known: Known): Promise<void> {
  const { store, registry, login, signal, skopeo } = fetch
  const { place, version } = known
  await store.keepLeftovers()
  const work = await store.folder.newWork()
  await mkdir(work)
  try {
    await registry.withLogin({ login, place }, async (loginOptions) => {
      const options = [...loginOptions(''), ...tlsOptions(place)]
      const ask = { skopeo, place, version, options, tmp: join(work, 'tmp'), signal }
      const found = await retrying(fetch, () => resolveImage(ask))
      const copy = ['copy', '--quiet', '--dest-oci-accept-uncompressed-layers']
      const from = [
        ...copy,
        ...loginOptions('src-'),
        ...tlsOptions(place, 'src-'),
        transportOf(place, found.digest),
      ]
      const { indexDigest } = found
      const facts = present({ indexDigest, isPublic: known.isPublic || undefined })
      await addImage(fetch, { ...found, facts, from }, work)
    })
  } finally {
    await store.discard(work)
  }
}

async function addImage(
  { store, skopeo, image, signal, onProgress, onAdded, patience }: FetchImage,
  found: ResolvedImage & {
    readonly facts: Omit<NewName, 'reference'>
    readonly from: readonly string[]
  },
  work: string,
): Promise<void> {
  await using _ = await store.reserve(found, signal)
  const isThere = (diffId: string) => store.hasLayer(diffId)
  const missing = found.layers.filter(({ diffId }) => !isThere(diffId))
  const [arrived, blobs] = [join(work, 'arrived'), store.folder.join('blobs')]
  const arrivals = new Map(missing.map(({ digest }) => [digest, Promise.withResolvers<void>()]))
  const layers = found.layers.map((one) => ({
    ...one,
    blob: join(arrived, hexOf(one.digest)),
    ...present({ ready: arrivals.get(one.digest)?.promise }),
  }))
  const name = { reference: image.full, ...present(found.facts) }
  const add = async (either: AbortSignal) => {
    await store.add({ ...found, layers }, name, either, onProgress)
    await onAdded()
  }
  const bytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  await haveSpace(store, bytes)
  if (missing.length > 0) {
    onProgress(`fetching ${missing.length} of ${found.layers.length} layers, ${inMb(bytes)} MB`)
  }
  const onBlob = (digest: string) => arrivals.get(digest)?.resolve()
  const { from } = found
  const copy = { skopeo, from, layers: found.layers, isThere, arrived, blobs, work, onBlob }
  // Each layer is unpacked as soon as it is there.
  const copying = (either: AbortSignal) =>
    copyLayers({ ...copy, signal: either, onProgress, patience })
  if (missing.length === 0) {
    // Whoever must not have it must not have it made of what is there, either.
    if (await skopeo.hasPolicy()) await copying(signal)
    return await add(signal)
  }
  await allOrNone([copying, add], signal)
  for (const { digest } of missing) await rm(join(blobs, hexOf(digest)), { force: true })
}

/** Removes what was used longest ago, once, if there is no room. */
async function haveSpace(store: ImageStore, bytes: number): Promise<void> {
  const { path } = store.folder
  try {
    await checkSpace(path, bytes)
  } catch (error) {
    if (!(await store.makeRoom(spaceFor(bytes)))) throw error
    await checkSpace(path, bytes)
  }
}

function explain(error: unknown, reference: string): NarwhalError {
  const { code, message } = NarwhalError.from(error, 'unavailable')
  if (code === 'not_found') return NarwhalError.from(error)
  const failure = code === 'unavailable' ? failureOf(error) : 'other'
  if (failure === 'denied') return notReadable(reference)
  const full = failure === 'full' ? 'exhausted' : code
  return new NarwhalError(full, `image ${reference} can't be pulled: ${message}`, { cause: error })
}

function inMb(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}
