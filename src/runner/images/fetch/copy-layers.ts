import { link, mkdir, readdir, rename, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import { hexOf } from '../layout/manifest.ts'
import { blobPath, type FetchedLayer } from '../layout/read-layout.ts'
import { hashFile } from './hash-file.ts'
import { type Patience, retrying } from './retrying.ts'
import type { Skopeo } from './skopeo.ts'

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
      await copyOnce(copy, layout, copy.patience.stallMs)
    } finally {
      await keepFinished(copy, layout)
    }
  })
}

async function prepare({ layers, blobs, isThere }: CopyLayers, layout: string): Promise<void> {
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true })
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  for (const { digest, diffId, sizeBytes } of layers) {
    const kept = join(blobs, hexOf(digest))
    if (isThere(diffId)) {
      // skopeo only looks whether there is a file of this size, and does not fetch it.
      await writeFile(blobPath(layout, digest), '')
      await truncate(blobPath(layout, digest), sizeBytes)
    } else if ((await hashFile(kept)) === digest) await link(kept, blobPath(layout, digest))
  }
}

async function copyOnce(
  { skopeo, from, signal, work }: CopyLayers,
  layout: string,
  stallMs: number,
): Promise<void> {
  const stop = new AbortController()
  const tmp = join(work, 'tmp')
  const words = `skopeo got nothing for ${stallMs / 1000} s: timeout`
  const watching = watch([join(layout, 'blobs/sha256'), tmp], stallMs, stop.signal).then(
    (stalled) => {
      if (stalled) stop.abort(new NarwhalError('unavailable', words))
    },
  )
  try {
    const either = AbortSignal.any([signal, stop.signal])
    await skopeo.run([...from, `oci:${layout}:image`], { signal: either, tmp })
  } finally {
    stop.abort()
    await watching
  }
}

/** Resolves to true when nothing in the folders has grown for so long, to false when it is stopped. */
async function watch(
  folders: readonly string[],
  stallMs: number,
  stop: AbortSignal,
): Promise<boolean> {
  let last = -1
  let since = performance.now()
  while (!stop.aborted) {
    const size = await sizeOf(folders)
    if (size !== last) {
      last = size
      since = performance.now()
    } else if (performance.now() - since > stallMs) return true
    await sleep(Math.min(1_000, stallMs / 4), undefined, { signal: stop }).catch(() => {})
  }
  return false
}

async function sizeOf(folders: readonly string[]): Promise<number> {
  let sum = 0
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      sum += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0
    }
  }
  return sum
}

/** Names in a layout are given to files that are finished. */
async function keepFinished(copy: CopyLayers, layout: string): Promise<void> {
  for (const { digest, diffId } of copy.layers) {
    if (copy.isThere(diffId)) continue
    const path = blobPath(layout, digest)
    if (await stat(path).catch(() => undefined)) await rename(path, join(copy.blobs, hexOf(digest)))
  }
}
