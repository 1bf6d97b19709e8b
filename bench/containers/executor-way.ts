import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLog } from '../../src/lib/log.ts'
import type { Executor } from '../../src/runner/executor/executor.ts'
import { OciExecutor } from '../../src/runner/executor/oci/oci-executor.ts'
import type { FoundRuntime } from '../../src/runner/executor/oci/runtime/find-runtime.ts'
import { folderWorkspace } from '../../src/runner/executor/workspace.ts'
import type { Images } from '../../src/runner/images/images.ts'
import { NetworkSource } from '../../src/runner/network/network-source.ts'
import { USUAL_NETWORK } from '../../src/runner/network/options.ts'
import { uniquePrefix } from '../../test/support/services.ts'
import type { Way } from './way.ts'

const LIMITS = { memoryBytes: 512 * 2 ** 20, cpus: 2, processes: 512 }
const FILES = 10_000

/** Our own executor with a runtime that was found; everything of the specification, network and limits included. */
export async function openExecutorWay(
  found: FoundRuntime,
  { images, image, folder }: { images: Images; image: string; folder: string },
): Promise<ExecutorWay> {
  await using stack = new AsyncDisposableStack()
  const instance = uniquePrefix()
  const networks = stack.use(
    new NetworkSource({
      settings: USUAL_NETWORK,
      instance,
      slots: 2,
      ready: 2,
      warmSandboxes: 0,
      stays: true,
      log: silentLog(),
    }),
  )
  const executor = stack.use(
    new OciExecutor({
      openMeans: async () => ({ found, images, [Symbol.asyncDispose]: async () => {} }),
      instance,
      folder: join(folder, instance),
      runFolder: join('/run', instance),
      log: silentLog(),
      networks,
    }),
  )
  const trouble = await executor.probe()
  if (trouble !== '') throw new Error(trouble)
  const resources = stack.move()
  return {
    name: `Narwhal oci:, ${found.runtime.name}`,
    cold: async () => {
      const job = await startJob(executor, image, folder)
      const ms = await job.run('echo hello')
      await job.end()
      return ms
    },
    whole: async () => {
      const job = await startJob(executor, image, folder)
      await job.run('echo hello')
      await job.end()
    },
    endWithFiles: async () => {
      const job = await startJob(executor, image, folder)
      await job.run(WRITE_FILES)
      return await job.end()
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

export interface ExecutorWay extends Way, AsyncDisposable {
  /** How long the end of a job takes that has left many files outside its workspace, in milliseconds. */
  readonly endWithFiles: () => Promise<number>
}

/** A hundred folders of a hundred files of 500 bytes. */
export const WRITE_FILES = `mkdir /left; cd /left; head -c 500 /dev/zero >one; i=0
while [ $i -lt ${FILES / 100} ]; do mkdir $i; j=0
while [ $j -lt 100 ]; do cat one >$i/$j; j=$((j + 1)); done; i=$((i + 1)); done`

async function startJob(executor: Executor, image: string, folder: string) {
  const startedAt = performance.now()
  const workspace = await mkdtemp(join(folder, 'workspace-'))
  // As the runner's; runc enters it as the container's root.
  await chmod(workspace, 0o755)
  const { signal } = new AbortController()
  const sandbox = await executor.open(
    {
      name: 'job_bench/1',
      image,
      workspace: folderWorkspace(workspace),
      limits: LIMITS,
      isStranger: false,
    },
    signal,
  )
  return {
    /** Resolves to the milliseconds since the start. */
    run: async (script: string): Promise<number> => {
      const { exitCode } = await sandbox.run({ script, env: {} }, () => {}, signal)
      if (exitCode !== 0) throw new Error(`the step ended with ${exitCode}`)
      return performance.now() - startedAt
    },
    /** Resolves to how long it takes; the workspace is not part of it. */
    end: async (): Promise<number> => {
      const endedAt = performance.now()
      await sandbox[Symbol.asyncDispose]()
      const ms = performance.now() - endedAt
      await rm(workspace, { recursive: true, force: true })
      return ms
    },
  }
}
