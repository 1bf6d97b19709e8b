import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { readFetchEnv, readSurroundings } from '../config/env.ts'
import type { RUNNER_SETTINGS } from '../config/service-settings.ts'
import { CONTAINER_IDS } from '../core/container-ids.ts'
import type { JobNetworkRules } from '../core/job-network.ts'
import { present } from '../lib/present.ts'
import { useForkServer } from '../lib/programs/start-program.ts'
import type { Executor, SandboxLimits } from '../runner/executor/executor.ts'
import type { OwnCheckoutExecutor } from '../runner/executor/local/own-checkout.ts'
import { openExecutor } from '../runner/executor/open-executor.ts'
import { holeNames } from '../runner/network/closed-note.ts'
import { NetworkSource } from '../runner/network/network-source.ts'
import type { Runner } from '../runner/runner.ts'
import type { RunnerDeps } from '../runner/runner-options.ts'
import { startRunner } from '../runner/start-runner.ts'
import type { PartsContext } from './context.ts'
import { sourcesOf } from './folder-sources.ts'

/** A runner and its executor, opened by the settings. */

type RunnerSetting = (typeof RUNNER_SETTINGS)[number]

export interface ExecutorParts {
  readonly dataDir: string
  /** Another folder for images, which several runs may use at a time; absent: `dataDir`. */
  readonly imagesDir?: string
  readonly networks: NetworkSource
  readonly warmSandboxes?: number
}

/**
 * `dataDir` must be claimed before: leftovers of a previous process are removed, which for a live one would be
 * its running jobs.
 */
export async function openExecutorOf(
  context: PartsContext<'executor' | 'default-image' | RunnerSetting>,
  { dataDir, imagesDir = dataDir, networks, warmSandboxes = 0 }: ExecutorParts,
): Promise<Executor> {
  const { executor, 'default-image': defaultImage } = context.config
  const { dockerHost, runtimeDir } = readSurroundings()
  return await openExecutor(
    {
      ...executor,
      ...('host' in executor || !dockerHost ? {} : { dockerHost }),
      ...present({ runtimeDir }),
      defaultImage,
      graceMs: context.config['stop-grace'],
      oci: {
        dataDir: await realpath(imagesDir),
        env: readFetchEnv(),
        imageBytes: context.config['image-disk'],
        ids: { first: context.config['container-ids'], count: CONTAINER_IDS.count },
      },
      strangers: context.config.strangers,
      warm: { size: warmSandboxes, limits: limitsOf(context) },
    },
    {
      log: context.log,
      networks,
      instance: await instanceOf(context.config.name, dataDir),
      folder: join(await realpath(dataDir), 'sandboxes'),
      hide: [dataDir],
    },
  )
}

/** Has the programs of a runner started by a small process; what they need is in memory, where there is such a place. */
export async function openForkServerOf(
  { config }: PartsContext<RunnerSetting>,
  dataDir: string,
): Promise<AsyncDisposable> {
  const name = `narwhal-${await instanceOf(config.name, dataDir)}-programs`
  const { runtimeDir } = readSurroundings()
  const inMemory = process.getuid?.() === 0 ? '/run' : runtimeDir
  try {
    if (inMemory !== undefined) return await useForkServer(join(inMemory, name))
  } catch {
    // A container whose root is read-only.
  }
  return await useForkServer(join(dataDir, 'programs'))
}

export interface NetworkParts {
  /** Long-lived, so it maintains itself. */
  readonly stays: boolean
  readonly warmSandboxes?: number
  /** How many are made before a job asks for one; one more than there are slots by default. */
  readonly ready?: number
}

/** The network of a runner's jobs. */
export async function openNetworksOf(
  { config, log }: PartsContext<RunnerSetting>,
  dataDir: string,
  { stays, warmSandboxes = 0, ready }: NetworkParts,
): Promise<NetworkSource> {
  return new NetworkSource({
    settings: {
      mode: config['sandbox-network'],
      privateNetworks: config['private-networks'],
      reach: config.reach,
      alsoPrivate: config['also-private'],
    },
    instance: await instanceOf(config.name, dataDir),
    slots: config.slots,
    ready: ready ?? config.slots + 1,
    warmSandboxes,
    stays,
    log,
  })
}

/**
 * An executor for `--build`, which runs the jobs of that folder even where sandboxes are unavailable.
 * Undefined without a folder, or if an executor is configured.
 */
export async function withOwnCheckout(
  context: PartsContext<'executor' | RunnerSetting>,
  dataDir: string,
  { sandboxes, folder }: { readonly sandboxes: Executor; readonly folder: unknown },
): Promise<OwnCheckoutExecutor | undefined> {
  if (typeof folder !== 'string' || context.config.executor.kind !== 'auto') return undefined
  const instance = `${await instanceOf(context.config.name, dataDir)}.plain`
  const { OwnCheckoutExecutor } = await import('../runner/executor/local/own-checkout.ts')
  const { ProcessExecutor } = await import('../runner/executor/local/process.ts')
  const plain = new ProcessExecutor({ instance })
  await plain.reap()
  const sources = await sourcesOf(folder, dataDir)
  return new OwnCheckoutExecutor({ sandboxes, plain, sources })
}

/** Runners are named after their machine by default, so the name alone may not be unique. */
async function instanceOf(name: string, dataDir: string): Promise<string> {
  const folder = createHash('sha256').update(await realpath(dataDir))
  return `${name}.${folder.digest('hex').slice(0, 12)}`
}

/** The number of warm sandboxes of a long-lived runner. */
export function warmSandboxesOf({ config }: PartsContext<'slots' | 'warm-sandboxes'>): number {
  return config['warm-sandboxes'] ?? config.slots + 1
}

function limitsOf({ config }: PartsContext<RunnerSetting>): SandboxLimits {
  return {
    memoryBytes: config['job-memory'],
    cpus: config['job-cpus'],
    processes: config['job-processes'],
    diskBytes: config['job-disk'],
  }
}

/** A description of the network access that the settings allow jobs. */
function jobNetworkOf({ config }: PartsContext<RunnerSetting>): JobNetworkRules {
  const { 'sandbox-network': mode, 'private-networks': rule, reach } = config
  const isRoot = process.getuid?.() === 0
  return {
    kind: mode === 'auto' ? (isRoot ? 'rules' : 'user') : mode,
    deniesPrivate: rule === 'deny',
    holes: holeNames(reach),
    alsoPrivate: config['also-private'],
  }
}

export async function startRunnerOf(
  context: PartsContext<RunnerSetting>,
  parts: Omit<RunnerDeps, 'log' | 'gitEnv'> & { readonly claim: AsyncDisposable },
): Promise<Runner> {
  const { name, slots, labels, 'fetch-hosts': fetchHosts } = context.config
  const { 'checkout-size': bytes, 'checkout-files': files } = context.config
  return await startRunner(
    { log: context.log, gitEnv: context.gitEnv, ...parts },
    {
      name,
      slots,
      labels,
      strangers: context.config.strangers,
      version: context.version,
      reserveBytes: context.config['disk-reserve'],
      mirrorBytes: context.config['mirror-size'],
      checkouts: { limits: { files, bytes }, fetchHosts },
      limits: limitsOf(context),
      jobNetwork: jobNetworkOf(context),
    },
  )
}
