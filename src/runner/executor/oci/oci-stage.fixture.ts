import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { freeNetworks } from '../../../../test/support/free-networks.ts'
import { TEST_IMAGE } from '../../../../test/support/services/docker-image.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { unpackedImage } from '../../../../test/support/unpacked-image.ts'
import { silentLog } from '../../../lib/log.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import { CONTAINER_IDS } from '../../images/store/open-image-store.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import { MIB } from '../contract/contract-fixture.ts'
import type { SandboxSpec } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { OciExecutor } from './oci-executor.ts'
import { type FoundRuntime, findRuntime } from './runtime/find-runtime.ts'
import type { RuntimeName } from './runtime/trial-container.ts'

const { first } = CONTAINER_IDS

/** What executors of these tests are made with; each test of a runtime is skipped with the reason if it has none. */
export interface OciStage {
  readonly name: RuntimeName
  readonly skip: string | false
  readonly open: (options?: OpenOptions) => OciExecutor
}

interface OpenOptions {
  readonly instance?: string
  readonly folder?: string
  readonly networks?: NetworkSource
}

/**
 * A stage for each runtime, to be awaited before the first test of a file is registered: the hooks after all tests
 * would run when those so far are over.
 */
export async function ociStages(): Promise<readonly OciStage[]> {
  const trials = await mkdtemp(join(tmpdir(), 'narwhal-trials-'))
  after(() => removeFolder(trials))
  const images = unpackedImage(first)
  return await Promise.all(
    (['crun', 'runc'] as const).map(async (name) => {
      const found = await findHere(name, join(trials, name))
      return {
        name,
        skip: typeof found === 'string' ? found : false,
        open: ({ instance = uniquePrefix(), ...options }: OpenOptions = {}) => {
          if (typeof found === 'string') throw new Error(found)
          return new OciExecutor({
            openMeans: async () => ({ found, images, [Symbol.asyncDispose]: async () => {} }),
            instance,
            folder: join(tmpdir(), instance),
            runFolder: join('/run', instance),
            runnerIsRoot: true,
            log: silentLog(),
            networks: freeNetworks(),
            ...options,
          })
        },
      }
    }),
  )
}

async function findHere(name: RuntimeName, folder: string): Promise<FoundRuntime | string> {
  if (process.getuid?.() !== 0) return 'needs root'
  return await findRuntime({ names: [name], folder, firstId: first })
}

/** A job of the test image, with a workspace of its own. */
export async function ociSpecIn(folder: string, name = 'workspace'): Promise<SandboxSpec> {
  await mkdir(join(folder, name), { recursive: true })
  return {
    name: 'job_oci/1',
    image: TEST_IMAGE,
    workspace: folderWorkspace(join(folder, name)),
    limits: { memoryBytes: 64 * MIB, cpus: 0.5, processes: 64 },
    isStranger: false,
  }
}
