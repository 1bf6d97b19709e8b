import { mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { freeNetworks } from '../../../../test/support/free-networks.ts'
import { TEST_IMAGE } from '../../../../test/support/services/docker-image.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { layOutImage, unpackedImage } from '../../../../test/support/unpacked-image.ts'
import { CONTAINER_IDS } from '../../../core/container-ids.ts'
import { silentLog } from '../../../lib/log.ts'
import { present } from '../../../lib/present.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import type { Images } from '../../images/images.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import { MIB } from '../contract/contract-fixture.ts'
import type { SandboxSpec } from '../executor.ts'
import { findAllGroups, readCgroupFacts } from '../local/bounds/machine-cgroups.ts'
import { folderWorkspace } from '../workspace.ts'
import { ContainerGroups } from './cgroups/container-groups.ts'
import { OciExecutor } from './oci-executor.ts'
import { type FoundRuntime, findRuntime } from './runtime/find-runtime.ts'
import type { RuntimeName } from './runtime/trial-container.ts'

const { first } = CONTAINER_IDS
const isRoot = process.getuid?.() === 0

/** What executors of one runtime are made with; tests are skipped with the reason if this machine can't. */
export interface OciStage {
  readonly name: RuntimeName
  readonly skip: string | false
  /** The same, for what needs control groups, which few ordinary users have. */
  readonly skipLimits: string | false
  readonly open: (options?: OpenOptions) => OciExecutor
  /** For another process, by `openOci`. */
  readonly place: Omit<OciPlace, 'instance' | 'folder'>
}

interface OpenOptions {
  readonly instance?: string
  readonly folder?: string
  readonly networks?: NetworkSource
  readonly graceMs?: number
  /** Disposed of with the executor; by default a store that has the test image only. */
  readonly images?: AsyncDisposable & { readonly images: Images }
}

/** The test image under other names. */
export const EXPOSING_IMAGE = 'narwhal-test/exposing:latest'
export const CHECKED_IMAGE = 'narwhal-test/checked:latest'
const OTHER_IMAGES = {
  [EXPOSING_IMAGE]: { exposedPorts: ['8080/tcp'] },
  [CHECKED_IMAGE]: {
    healthcheck: { test: ['CMD-SHELL', 'test -e /ready'], intervalMs: 1000, retries: 4 },
  },
}

/** Where an executor is, as plain data. */
export interface OciPlace {
  readonly name: RuntimeName
  readonly instance: string
  readonly folder: string
  /** The test image, unpacked. */
  readonly layer: string
  /** Of filters that were tried before. */
  readonly trials: string
}

/**
 * A stage for each runtime, to be awaited before the first test of a file is registered: the hooks after all tests
 * would run when those so far are over.
 */
export async function ociStages(): Promise<readonly OciStage[]> {
  const folder = await mkdtemp(join(tmpdir(), 'narwhal-trials-'))
  after(() => removeFolder(folder))
  const layer = await layOutImage(folder, isRoot ? first : 0)
  return await Promise.all(
    (['crun', 'runc'] as const).map(async (name) => {
      const trials = join(folder, name)
      const found = await find(name, trials)
      const open = ({ instance = uniquePrefix(), ...options }: OpenOptions = {}) => {
        if (typeof found === 'string') throw new Error(found)
        const inTemp = join(tmpdir(), instance)
        return openFound(found, { name, instance, folder: inTemp, layer, trials, ...options })
      }
      const skip = typeof found === 'string' && found
      return {
        name,
        skip,
        skipLimits: skip || withoutLimits(),
        open,
        place: { name, layer, trials },
      }
    }),
  )
}

function withoutLimits(): string | false {
  using groups = new ContainerGroups(uniquePrefix())
  const [why] = groups.missing.values()
  return why ?? false
}

/** The same in another process. */
export async function openOci(place: OciPlace): Promise<OciExecutor> {
  const found = await find(place.name, place.trials)
  if (typeof found === 'string') throw new Error(found)
  return openFound(found, place)
}

function find(name: RuntimeName, folder: string): Promise<FoundRuntime | string> {
  return findRuntime({ names: [name], folder, firstId: first })
}

function openFound(found: FoundRuntime, place: OciPlace & OpenOptions): OciExecutor {
  const { instance, folder, layer, networks = freeNetworks() } = place
  const {
    images = unpackedImage(layer, OTHER_IMAGES),
    [Symbol.asyncDispose]: close = async () => {},
  } = place.images ?? {}
  return new OciExecutor({
    openMeans: async () => ({ found, images, [Symbol.asyncDispose]: () => close() }),
    instance,
    folder,
    runFolder: runFolderOf(folder, instance),
    log: silentLog(),
    networks,
    ...present({ graceMs: place.graceMs }),
  })
}

export function runFolderOf(folder: string, instance: string): string {
  return isRoot ? join('/run', instance) : join(folder, 'run')
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

/** The mounts of this machine that lead to a runner's folders. */
export async function mountsOf(folder: string, instance: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  return lines.filter((line) => [folder, join('/run', instance)].some((one) => line.includes(one)))
}

/** What a runner has on this machine besides its trash, by paths. */
export async function partsOf(folder: string, instance: string): Promise<readonly string[]> {
  const groups = findAllGroups(readCgroupFacts()).map(({ path }) =>
    join(path, `narwhal-oci-${instance}`),
  )
  const own = ['containers/records', 'containers/containers', 'control'].map((name) =>
    join(folder, name),
  )
  // Its folder there is named by the test, or by a configuration.
  const runs = [instance, `narwhal-${instance}`].map((name) => join('/run', name))
  const states = [...runs, join(folder, 'run')].map((run) => join(run, 'state'))
  const all = [...own, ...states, ...groups].map(async (place) => {
    const entries = await readdir(place, { withFileTypes: true }).catch(() => [])
    const wanted = entries.filter((one) => one.isDirectory() || one.name.endsWith('.json'))
    return wanted.map(({ name }) => join(place, name))
  })
  return (await Promise.all(all)).flat()
}
