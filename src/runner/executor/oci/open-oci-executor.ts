import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import type { FetchEnv } from '../../images/fetch/fetch-env.ts'
import { findImagePrograms, missingProgram } from '../../images/image-programs.ts'
import { openImages } from '../../images/open-images.ts'
import { fetchForStrangers } from './fetch-for-strangers.ts'
import { OciExecutor, type OciExecutorOptions } from './oci-executor.ts'
import type { OciMeans } from './oci-means.ts'
import { findRuntime } from './runtime/find-runtime.ts'

/** What only containers without an engine need of a runner's configuration. */
export interface OciConfig {
  /** The runner's data folder, where images are stored. */
  readonly dataDir: string
  /** The operator's variables, where logins to registries are found. */
  readonly env: FetchEnv
  /** How much all images may take before those that were used longest ago are removed. */
  readonly imageBytes: number
  /** Where a root's containers have their ids on this machine; 0: they have no user namespace. */
  readonly ids: { readonly first: number; readonly count: number }
}

/** Finds out how containers can be started, and opens their images, when it is first asked; and again if it fails. */
export function ociExecutor(
  config: OciConfig,
  options: Omit<OciExecutorOptions, 'openMeans' | 'runFolder'>,
): OciExecutor {
  const isRoot = process.getuid?.() === 0
  return new OciExecutor({
    ...options,
    // Not where a session's end removes what a container still needs.
    runFolder: isRoot ? `/run/narwhal-${options.instance}` : join(options.folder, 'run'),
    openMeans: () =>
      openMeans(config, { ...options, folder: join(options.folder, 'runtime') }, isRoot),
  })
}

async function openMeans(
  { dataDir, env, imageBytes, ids }: OciConfig,
  { folder, networks }: Pick<OciExecutorOptions, 'folder' | 'networks'>,
  isRoot: boolean,
): Promise<OciMeans> {
  const missing = (await findImagePrograms()).find(
    ({ isNeeded, path }) => isNeeded && path === undefined,
  )
  if (missing) throw new NarwhalError('unavailable', missingProgram(missing))
  const firstId = ids.first === 0 ? {} : { firstId: ids.first }
  const found = await findRuntime({ folder, ...firstId, recalls: true })
  if (typeof found === 'string') throw new NarwhalError('unavailable', found)
  // Without a user namespace in spite of what is configured, files have the ids that images give them.
  const first = found.idMap?.firstId ?? 0
  const opened = await openImages({
    dataDir,
    isRoot,
    ids: { ...ids, first },
    env,
    mostBytes: imageBytes,
    strangers: fetchForStrangers(networks),
  })
  return {
    found,
    images: opened.images,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}
