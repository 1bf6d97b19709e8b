import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeIndex } from '../layer/layer-index.ts'
import type { LayerForm } from '../layer/rewrite-layer.ts'
import type { Rights } from '../layer/tar-room.ts'
import { composeImage } from './compose-image.ts'
import { makeTop } from './make-top.ts'

export interface TopOrder {
  /** The folders of the image's layers, from the bottom. */
  readonly layers: readonly string[]
  readonly form: LayerForm
  readonly rights: Rights
  readonly room: string
  /** Is made; gets `fs` if the image needs a thin top. */
  readonly folder: string
}

export interface TopFacts {
  /** The number of the lowest layer of which anything is visible. */
  readonly lowest: number
  /** Whether there is a thin top. */
  readonly hasFiles: boolean
  readonly notes: readonly string[]
}

/** Works out what layers show together, and makes their thin top where they need one. */
export async function topOfLayers(order: TopOrder, signal: AbortSignal): Promise<TopFacts> {
  const { form, rights, room, folder } = order
  const indexes = await Promise.all(
    order.layers.map(async (layer) => decodeIndex(await readFile(join(layer, 'index')))),
  )
  const composition = composeImage(indexes)
  // An image without layers is an empty folder.
  const hasFiles = composition.folders.length > 0 || indexes.length === 0
  await mkdir(folder, { recursive: true })
  if (hasFiles) {
    const layers = order.layers.map((layer) => join(layer, 'fs'))
    const at = join(folder, 'fs')
    await makeTop({ composition, layers, form, rights, room, folder: at }, signal)
  }
  return { lowest: composition.lowest, hasFiles, notes: composition.notes }
}
