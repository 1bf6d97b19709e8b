import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { HeldImage } from '../held-image.ts'
import type { ImageRecord, NameRecord, TopRecord } from './records.ts'
import type { StoreFolder } from './store-folder.ts'

export interface HeldParts {
  readonly folder: StoreFolder
  readonly name: NameRecord
  readonly image: ImageRecord
  readonly top: TopRecord
  /** What to do when the ids are too few. */
  readonly widenIds: string
  readonly release: () => void
}

/** An image of the store as containers use it. Throws `invalid` if it has ids that no container here has. */
export function heldImage({ folder, name, image, top, widenIds, release }: HeldParts): HeldImage {
  const { highest } = top
  if (highest.id >= folder.form.count) {
    const { count } = folder.form
    throw new NarwhalError(
      'invalid',
      `image ${name.reference} can't be run: its file /${highest.path} belongs to the id ${highest.id}, and containers have ${count} ids, from 0; ${widenIds}`,
    )
  }
  let isHeld = true
  return {
    reference: name.reference,
    digest: name.digest,
    ...present({ indexDigest: name.indexDigest }),
    layers: layersOf(folder, image, top),
    config: image.config,
    highestId: highest.id,
    [Symbol.asyncDispose]: async () => {
      if (isHeld) release()
      isHeld = false
    },
  }
}

function layersOf(folder: StoreFolder, image: ImageRecord, top: TopRecord): readonly string[] {
  const visible = image.diffIds
    .map((diffId) => join(folder.layer(diffId), 'fs'))
    .filter((_, index) => index >= top.lowest && !top.isEmpty[index])
  const all = [...visible, ...(top.hasFiles ? [join(folder.top(image.chain), 'fs')] : [])]
  const [bottom] = image.diffIds
  // Overlay needs one, and all of them may be empty.
  const some = all.length > 0 || bottom === undefined ? all : [join(folder.layer(bottom), 'fs')]
  return some.toReversed()
}
