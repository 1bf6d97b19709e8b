import { execFile } from 'node:child_process'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NarwhalError } from '../../src/lib/errors.ts'
import type { HeldImage, ImageConfig } from '../../src/runner/images/held-image.ts'
import type { Images } from '../../src/runner/images/images.ts'
import { layOut, TEST_IMAGE } from './services/docker-image.ts'
import { findProgram } from './services/programs.ts'

const run = promisify(execFile)

/** Lays out the test image as a layer in this folder; its files belong to `owner`. */
export async function layOutImage(folder: string, owner: number): Promise<string> {
  const layer = join(folder, 'layer')
  await layOut(layer, findProgram('busybox') ?? '')
  await chmod(layer, 0o755)
  if (owner !== 0) await run('chown', ['-R', '-h', `${owner}:${owner}`, layer])
  return layer
}

/** A store that has the test image only, in this layer; also under other names, with what they say besides. */
export function unpackedImage(
  layer: string,
  others: Readonly<Record<string, Partial<ImageConfig>>> = {},
): Images {
  const named: typeof others = { ...others, [TEST_IMAGE]: {} }
  return {
    find: async (reference) => (named[reference] ? 'sha256:0' : undefined),
    hold: async ({ full }): Promise<HeldImage> => {
      if (!named[full]) {
        throw new NarwhalError('not_found', `image ${full} can't be pulled: there is none`)
      }
      return {
        reference: full,
        digest: 'sha256:0',
        layers: [layer],
        config: {
          entrypoint: [],
          command: ['/bin/sh'],
          env: [],
          user: '',
          workingFolder: '',
          exposedPorts: [],
          ...named[full],
        },
        highestId: 65_534,
        [Symbol.asyncDispose]: async () => {},
      }
    },
  }
}
