import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { findProgram, isRoot } from './programs.ts'

const run = promisify(execFile)

/** The Debian packages of the programs that tests use. */
const PACKAGES: Readonly<Record<string, string>> = {
  initdb: 'postgresql',
  'rabbitmq-server': 'rabbitmq-server',
  dockerd: 'docker.io',
  busybox: 'busybox-static',
  bwrap: 'bubblewrap',
  haproxy: 'haproxy',
  nginx: 'nginx-light',
  ip: 'iproute2',
  nft: 'nftables',
  pasta: 'passt',
  newuidmap: 'uidmap',
  getfattr: 'attr',
  chromium: 'chromium',
}

/** Packages run this program to decide whether they may start their service after installation. */
const POLICY = '/usr/sbin/policy-rc.d'

/**
 * Installs what is missing, as root on Debian or Ubuntu; elsewhere, or if it fails, the tests that need it
 * are skipped. The packages' own services are not started.
 */
export async function installMissing(
  programs: readonly string[],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const missing = programs.filter((program) => findProgram(program) === undefined)
  if (missing.length === 0 || !isRoot() || findProgram('apt-get') === undefined) return
  const packages = missing.map((program) => PACKAGES[program] ?? program)
  say(`installing with apt-get, for the tests: ${packages.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const refuse = !existsSync(POLICY)
  try {
    if (refuse) await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    await run('apt-get', ['update'], { env, signal })
    const wait = ['-o', 'DPkg::Lock::Timeout=300']
    const args = ['install', '--yes', '--no-install-recommends', ...wait, ...packages]
    await run('apt-get', args, { env, signal, maxBuffer: 64 * 1024 * 1024 })
  } catch (error) {
    if (signal.aborted) throw error
    say(`apt-get could not: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    if (refuse) await rm(POLICY, { force: true })
  }
}
