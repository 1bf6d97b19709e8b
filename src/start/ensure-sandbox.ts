import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { CliIo } from '../cli/terminal/cli-io.ts'
import { describeError } from '../lib/errors.ts'
import { exists } from '../lib/exists.ts'
import type { Executor } from '../runner/executor/executor.ts'
import type { NetworkSource } from '../runner/network/network-source.ts'

const run = promisify(execFile)

export interface SandboxParts {
  readonly executor: Executor
  readonly networks: NetworkSource
}

/**
 * Ensures that jobs without an image can run on this machine, unless an executor was chosen: installs
 * bubblewrap and what their network needs if possible (as root on Debian and derivatives). Resolves to
 * why no job can run, including the command to run, or to an empty string.
 */
export async function ensureSandbox(
  { executor, networks }: SandboxParts,
  chosen: { readonly kind: string },
  io: CliIo,
): Promise<string> {
  const trouble = await executor.probe()
  const canInstall = process.getuid?.() === 0 && (await exists('/usr/bin/apt-get'))
  if (chosen.kind !== 'auto' || !canInstall) return trouble
  const missing = [
    ...(executor.engines.includes('bubblewrap') ? [] : ['bubblewrap']),
    ...((await networks.lacksPrograms()) ? NETWORK_PACKAGES : []),
  ]
  if (missing.length === 0) return trouble
  const names = new Intl.ListFormat('en').format(missing)
  io.stdout.write(`Installing ${names} with apt-get, for jobs without an image…\n`)
  await install(missing).catch((error: unknown) => {
    io.stderr.write(`narwhal: ${names} can't be installed: ${describeError(error)}\n`)
  })
  await networks.getAnew()
  return await executor.probe()
}

/** For a runner that is root. */
const NETWORK_PACKAGES = ['nftables', 'iproute2']

async function install(packages: readonly string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  const install = ['install', '--yes', '--no-install-recommends', ...packages]
  try {
    await run('apt-get', install, { env })
  } catch {
    // A new machine has no package lists yet.
    await run('apt-get', ['update'], { env })
    await run('apt-get', install, { env })
  }
}
