import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram, isRoot } from '../support/services/programs.ts'
import type { Unavailable } from '../support/services/service.ts'

const run = promisify(execFile)

export interface DebianRootOptions {
  /** Such as `trixie` or `sid`. */
  readonly suite: string
  readonly packages: readonly string[]
  /** The mirror's URL; absent: the one that this machine's apt uses. */
  readonly mirror?: string
  /** The folder in which finished ones are kept for the next run. */
  readonly cache: string
  /** Whether one from a previous run is replaced. */
  readonly fresh?: boolean
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** What entering it needs. */
const MINIMAL = ['mount', 'util-linux']

/**
 * A folder with a small Debian of this suite with these packages, made once; resolves to its path, or to why
 * it can't be had.
 */
export async function debianRoot(options: DebianRootOptions): Promise<string | Unavailable> {
  const { suite, cache, say, signal } = options
  const packages = [...MINIMAL, ...options.packages]
  const key = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 8)
  const path = join(cache, `${suite}-${key}`)
  if (options.fresh) await rm(path, { recursive: true, force: true })
  if (existsSync(path)) return path
  const mmdebstrap = findProgram('mmdebstrap')
  if (!isRoot()) return { unavailable: "only root can make and enter another system's folder" }
  if (!mmdebstrap) return { unavailable: 'mmdebstrap is not installed (apt: mmdebstrap)' }
  const mirror = options.mirror ?? (await mirrorOfThisMachine())
  if (mirror === undefined) {
    return { unavailable: 'apt of this machine knows no mirror of Debian: name one by --mirror' }
  }
  await mkdir(cache, { recursive: true })
  const made = await mkdtemp(join(cache, 'unfinished-'))
  say(`installing Debian ${suite} with ${options.packages.join(', ')}, once`)
  try {
    const folder = join(made, 'root')
    const install = [
      mmdebstrap,
      ...OPTIONS,
      `--include=${packages.join(',')}`,
      suite,
      folder,
      mirror,
    ]
    // What it mounts there ends with it, also when it is killed: nothing of this machine may be removed below.
    await run('unshare', ['--mount', '--propagation', 'private', ...install], {
      signal,
      maxBuffer: 64 * 1024 * 1024,
    })
    await writeFile(join(folder, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n')
    // Another run may have been faster.
    if (!existsSync(path)) await rename(folder, path)
    return path
  } catch (error) {
    signal.throwIfAborted()
    return { unavailable: `Debian ${suite} can't be installed from ${mirror}: ${reason(error)}` }
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}

const OPTIONS = [
  '--variant=apt',
  '--mode=root',
  '--format=directory',
  // The mirror may be a copy from some time ago. Signatures are checked all the same.
  '--aptopt=Acquire::Check-Valid-Until "false"',
]

async function mirrorOfThisMachine(): Promise<string | undefined> {
  const apt = findProgram('apt-get')
  if (!apt) return undefined
  const format = '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)'
  const { stdout } = await run(apt, ['indextargets', '--format', format, 'Created-By: Packages'])
  return mirrorAmong(stdout)
}

/** Of lines with a mirror's URL, origin, label and component: the first one of Debian itself. */
export function mirrorAmong(lines: string): string | undefined {
  const [, url] = /^(\S+) Debian Debian main$/m.exec(lines) ?? []
  return url
}

/** apt's own words are the lines that begin with E. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return /^E: .*$/m.exec(text)?.[0] ?? text.split('\n', 1)[0] ?? ''
}
