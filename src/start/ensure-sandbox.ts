import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { CliIo } from '../cli/terminal/cli-io.ts'
import { describeError } from '../lib/errors.ts'
import { exists } from '../lib/exists.ts'
import type { Executor } from '../runner/executor/executor.ts'
import type { NetworkSource } from '../runner/network/network-source.ts'
import { NoNetworks } from '../runner/network/unrouted-networks.ts'

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
  const hasBubblewrap = executor.engines.includes('bubblewrap')
  const missing = chosen.kind === 'auto' ? await missingPackages(networks, hasBubblewrap) : []
  if (missing.length === 0) {
    return trouble
  }
  const names = new Intl.ListFormat('en').format(missing)
  if (process.getuid?.() === 0 && (await exists('/usr/bin/apt-get'))) {
    io.stdout.write(`Installing ${names} with apt-get, for jobs without an image…\n`)
    await install(missing).catch((error: unknown) => {
      io.stderr.write(`narwhal: ${names} can't be installed: ${describeError(error)}\n`)
    })
    await networks.getAnew()
  }
  return await executor.probe()
}

/** The packages that jobs without an image, and their network, need. */
async function missingPackages(
  networks: NetworkSource,
  hasBubblewrap: boolean,
): Promise<readonly string[]> {
  const known = await networks.getAnew()
  const hasNetwork = !(known instanceof NoNetworks && known.cause === 'missing')
  return [...(hasBubblewrap ? [] : ['bubblewrap']), ...(hasNetwork ? [] : NETWORK_PACKAGES)]
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
