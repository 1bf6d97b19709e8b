import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { promisify } from 'node:util'
import { NarwhalError } from '../../src/lib/errors.ts'
import type { HeldImage } from '../../src/runner/images/held-image.ts'
import type { Images } from '../../src/runner/images/images.ts'
import { layOut, TEST_IMAGE } from './services/docker-image.ts'
import { findProgram } from './services/programs.ts'

const run = promisify(execFile)

/** A store that has the test image only, in one layer whose files belong to `owner`, until the tests are over. */
export function unpackedImage(owner: number): Images {
  let layer: Promise<string> | undefined
  let folder = ''
  after(() => rm(folder, { recursive: true, force: true }))
  const make = async (): Promise<string> => {
    folder = await mkdtemp(join(tmpdir(), 'narwhal-image-'))
    const path = join(folder, 'layer')
    await layOut(path, findProgram('busybox') ?? '')
    await chmod(path, 0o755)
    if (owner !== 0) await run('chown', ['-R', '-h', `${owner}:${owner}`, path])
    return path
  }
  return {
    find: async (reference) => (reference === TEST_IMAGE ? 'sha256:0' : undefined),
    hold: async ({ full }): Promise<HeldImage> => {
      if (full !== TEST_IMAGE) {
        throw new NarwhalError('not_found', `image ${full} can't be pulled: there is none`)
      }
      layer ??= make()
      return {
        reference: full,
        digest: 'sha256:0',
        layers: [await layer],
        config: {
          entrypoint: [],
          command: ['/bin/sh'],
          env: [],
          user: '',
          workingFolder: '',
          exposedPorts: [],
        },
        highestId: 65_534,
        [Symbol.asyncDispose]: async () => {},
      }
    },
  }
}
