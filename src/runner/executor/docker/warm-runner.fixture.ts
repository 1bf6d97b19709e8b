import { freeNetworks } from '../../../../test/support/free-networks.ts'
import { silentLog } from '../../../lib/log.ts'
import { DockerExecutor } from './docker-executor.ts'

/** The process's argument, as JSON. */
export interface WarmRunner {
  readonly host: string
  readonly folder: string
  readonly instance: string
  readonly image: string
}

/** A process that keeps two sandboxes warm until it is killed. */
const { host, folder, instance, image } = JSON.parse(process.argv[2] ?? '') as WarmRunner
const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 1, processes: 64 }
const runnerIsRoot = process.getuid?.() === 0
const warm = { size: 2, limits }
const executor = new DockerExecutor({
  host,
  folder,
  instance,
  runnerIsRoot,
  warm,
  log: silentLog(),
  networks: freeNetworks(),
})
await executor.reap()
executor.take({ name: 'job_warm/1', image, limits, isStranger: false })
setInterval(() => {}, 60_000)
