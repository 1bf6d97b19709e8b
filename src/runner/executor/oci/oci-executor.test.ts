import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { realNetworks } from '../../../../test/support/networks.ts'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { testImage, uniquePrefix } from '../../../../test/support/services.ts'
import { unpackedImage } from '../../../../test/support/unpacked-image.ts'
import { silentLog } from '../../../lib/log.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import { CONTAINER_IDS } from '../../images/store/open-image-store.ts'
import { executorContract } from '../contract/executor.contract.ts'
import { OciExecutor } from './oci-executor.ts'
import { findRuntime } from './runtime/find-runtime.ts'

const { first } = CONTAINER_IDS
const images = unpackedImage(first)
const isRoot = process.getuid?.() === 0
const folder = await mkdtemp(join(tmpdir(), 'narwhal-trials-'))
after(() => removeFolder(folder))
/** Found before the first test is: the hooks after all tests would run when those so far are over. */
const runtimes = await Promise.all(
  (['crun', 'runc'] as const).map(async (name) => ({
    name,
    found: isRoot
      ? await findRuntime({ names: [name], folder: join(folder, name), firstId: first })
      : 'needs root',
  })),
)

for (const { name, found } of runtimes) {
  const open = async (): Promise<OciExecutor> => {
    if (typeof found === 'string') throw new Error(found)
    const instance = uniquePrefix()
    return new OciExecutor({
      openMeans: async () => ({ found, images, [Symbol.asyncDispose]: async () => {} }),
      instance,
      folder: join(tmpdir(), instance),
      runFolder: join('/run', instance),
      runnerIsRoot: true,
      log: silentLog(),
      networks: realNetworks(),
    })
  }
  executorContract(name, open, {
    skip: typeof found === 'string' ? found : false,
    image: testImage(),
    isolated: true,
    hasOwnRoot: true,
    workspace: '/workspace',
    baseEnv: [],
    leftovers: findProcesses,
  })
}
