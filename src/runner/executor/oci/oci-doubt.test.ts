import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { freeNetworks } from '../../../../test/support/free-networks.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { layOutImage, unpackedImage } from '../../../../test/support/unpacked-image.ts'
import { CONTAINER_IDS } from '../../../core/container-ids.ts'
import { silentLog } from '../../../lib/log.ts'
import { OciExecutor } from './oci-executor.ts'
import { ociSpecIn } from './oci-stage.fixture.ts'
import { findRuntime } from './runtime/find-runtime.ts'

test('forgets what was proven when a container can’t be started all the same', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  await using dir = await tempDir()
  const [folder, instance] = [dir.join('runtime'), uniquePrefix()]
  const found = await findRuntime({ folder, firstId: CONTAINER_IDS.first })
  if (typeof found === 'string') return t.skip(found)
  assert.notEqual((await readdir(join(folder, 'proofs'))).length, 0)
  const images = unpackedImage(await layOutImage(dir.path, CONTAINER_IDS.first))
  await using executor = new OciExecutor({
    openMeans: async () => ({
      // A machine that has changed since.
      found: { ...found, overlayOptions: 'no-such-option' },
      images,
      [Symbol.asyncDispose]: async () => {},
    }),
    instance,
    folder: dir.join('sandboxes'),
    runFolder: join('/run', instance),
    log: silentLog(),
    networks: freeNetworks(),
  })
  const spec = await ociSpecIn(dir.path)
  await assert.rejects(executor.open(spec, AbortSignal.timeout(60_000)), { code: 'unavailable' })
  await assert.rejects(readdir(join(folder, 'proofs')), { code: 'ENOENT' })
})
