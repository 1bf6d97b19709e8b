import { link, mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, NarwhalError } from '../../../lib/errors.ts'
import { blobPath, type FetchedLayer } from '../layout/fetched-image.ts'
import { hexOf } from '../layout/manifest.ts'
import { hashFile } from './hash-file.ts'
import { type Patience, retrying } from './retrying.ts'
import type { Skopeo } from './skopeo.ts'
import { watchLayout } from './watch-layout.ts'

export interface CopyLayers {
  readonly skopeo: Skopeo
  /** What `skopeo copy` takes, up to the destination. */
  readonly from: readonly string[]
  /** All of the image's. */
  readonly layers: readonly Omit<FetchedLayer, 'blob'>[]
  /** Whether the store has unpacked the layer with this diff id. */
  readonly isThere: (diffId: string) => boolean
  /** Where finished files of layers are put; this pull's own. */
  readonly arrived: string
  /** Where they are kept for a later pull, in case that this one fails; others use it as well. */
  readonly blobs: string
  /** A folder for each try; removed by the caller. */
  readonly work: string
  /** Called, also repeatedly, when a layer can be unpacked, or is. */
  readonly onBlob: (digest: string) => void
  readonly signal: AbortSignal
  readonly onProgress: (line: string) => void
  readonly patience: Patience
}

/**
 * Fetches the layers that are not there into `arrived`, by the one command that does it all. Each try has a
 * layout of its own, with what is finished linked in: skopeo takes over what lies in a layout unread.
 */
export async function copyLayers(copy: CopyLayers): Promise<void> {
  await mkdir(copy.arrived)
  await retrying(copy, async (attempt) => {
    const layout = join(copy.work, `try-${attempt}`)
    try {
      await prepare(copy, layout)
      await copyOnce(copy, layout)
    } finally {
      await keepFinished(copy, layout)
    }
  })
}

async function prepare(copy: CopyLayers, layout: string): Promise<void> {
  const { layers, arrived, blobs, isThere, onBlob } = copy
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true })
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  for (const { digest, diffId, sizeBytes } of layers) {
    const [place, hex] = [blobPath(layout, digest), hexOf(digest)]
    if (isThere(diffId)) {
      // skopeo only looks whether there is a file of this size, and does not fetch it.
      await writeFile(place, '')
      await truncate(place, sizeBytes)
      onBlob(digest)
    } else if (!(await linked(join(arrived, hex), place))) {
      const kept = join(blobs, hex)
      const found = await hashFile(kept)
      if (found === digest) await linked(kept, place)
      else if (found !== undefined) await rm(kept, { force: true })
    }
  }
}

async function copyOnce(copy: CopyLayers, layout: string): Promise<void> {
  const { skopeo, from, signal, work } = copy
  const { stallMs } = copy.patience
  const stop = new AbortController()
  const tmp = join(work, 'tmp')
  const folders = [join(layout, 'blobs/sha256'), tmp]
  const onTick = () => keepFinished(copy, layout)
  const watching = watchLayout({ folders, stallMs, onTick, stop: stop.signal }).then((stalled) => {
    const words = `skopeo got nothing for ${stallMs / 1000} s: timeout`
    if (stalled) stop.abort(new NarwhalError('unavailable', words))
  })
  watching.catch(() => {})
  try {
    const either = AbortSignal.any([signal, stop.signal])
    await skopeo.run([...from, `oci:${layout}:image`], { signal: either, tmp })
  } finally {
    stop.abort()
    await watching
  }
}

/** Names in a layout are given to files that are finished. */
async function keepFinished(copy: CopyLayers, layout: string): Promise<void> {
  const { layers, arrived, blobs, isThere, onBlob } = copy
  for (const { digest, diffId } of layers) {
    const [place, hex] = [blobPath(layout, digest), hexOf(digest)]
    // Another process may have unpacked it.
    if (isThere(diffId)) onBlob(digest)
    else if (await linked(place, join(arrived, hex))) {
      await linked(place, join(blobs, hex))
      onBlob(digest)
    }
  }
}

/** Whether there is such a file now, under both names. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return true
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
