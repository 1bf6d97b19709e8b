import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { CliIo } from '../cli/cli-io.ts'
import { describeError } from '../lib/errors.ts'
import { exists } from '../lib/exists.ts'
import type { Executor } from '../runner/executor/executor.ts'

const run = promisify(execFile)

/**
 * Sees to it that jobs without an image can run on this machine, where nothing else was chosen:
 * installs bubblewrap where that can be done at once (as root on Debian and its kin), and otherwise
 * says the very command to run. Resolves with whether any job can run.
 */
export async function ensureSandbox(
  executor: Executor,
  chosen: { readonly kind: string },
  io: CliIo,
): Promise<boolean> {
  const trouble = await executor.probe()
  if (chosen.kind !== 'auto' || executor.engines.includes('bubblewrap')) {
    if (trouble) io.stderr.write(`narwhal: ${trouble}\n`)
    return trouble === ''
  }
  if (process.getuid?.() === 0 && (await exists('/usr/bin/apt-get'))) {
    io.stdout.write('Installing bubblewrap by apt-get, for jobs that name no image…\n')
    await installBubblewrap().catch((error: unknown) => {
      io.stderr.write(`narwhal: bubblewrap can't be installed: ${describeError(error)}\n`)
    })
  } else if (trouble) {
    io.stderr.write(`narwhal: ${trouble}\n`)
  }
  return (await executor.probe()) === ''
}

async function installBubblewrap(): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  const install = ['install', '--yes', '--no-install-recommends', 'bubblewrap']
  try {
    await run('apt-get', install, { env })
  } catch {
    // A new machine has no package lists yet.
    await run('apt-get', ['update'], { env })
    await run('apt-get', install, { env })
  }
}
