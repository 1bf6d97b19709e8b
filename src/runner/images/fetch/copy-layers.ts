import { link, mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, NarwhalError } from '../../../lib/errors.ts'
import { hexOf } from '../layout/manifest.ts'
import { blobPath, type FetchedLayer } from '../layout/read-layout.ts'
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
  /** Where finished files of layers are kept until their image is there. */
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
 * Fetches the layers that are not there into `blobs`, by the one command that does it all. Each try has a
 * layout of its own, with what is finished linked in: skopeo takes over what lies in a layout unread.
 */
export async function copyLayers(copy: CopyLayers): Promise<void> {
  await mkdir(copy.blobs, { recursive: true, mode: 0o700 })
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
  const { layers, blobs, isThere, onBlob } = copy
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true })
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  for (const { digest, diffId, sizeBytes } of layers) {
    const kept = join(blobs, hexOf(digest))
    if (isThere(diffId)) {
      // skopeo only looks whether there is a file of this size, and does not fetch it.
      await writeFile(blobPath(layout, digest), '')
      await truncate(blobPath(layout, digest), sizeBytes)
      onBlob(digest)
    } else if ((await hashFile(kept)) === digest) {
      await link(kept, blobPath(layout, digest))
      onBlob(digest)
    } else await rm(kept, { force: true })
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
async function keepFinished({ layers, blobs, isThere, onBlob }: CopyLayers, layout: string) {
  for (const { digest, diffId } of layers) {
    try {
      if (!isThere(diffId)) await link(blobPath(layout, digest), join(blobs, hexOf(digest)))
      onBlob(digest)
    } catch (error) {
      // Another process may have fetched it as well, or unpacked it.
      if (hasCode(error, 'EEXIST')) onBlob(digest)
      else if (!hasCode(error, 'ENOENT')) throw error
    }
  }
}
