import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describeError } from '../support/harness/describe-error.ts'
import { fileLine } from '../support/harness/report.ts'
import type { FileResult } from '../support/harness/result.ts'
import { runFiles } from '../support/harness/run-files.ts'
import { commandIn, type Place } from '../support/services/command-in.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { Server } from './servers.ts'
import type { Missing, Run } from './table.ts'

const run = promisify(execFile)

const TEST_TIMEOUT_MS = 120_000
/** Each file is a process of its own: what they all load is compiled once. */
const CACHE = join(process.cwd(), 'node_modules/.cache/narwhal')

export interface SuiteOptions {
  readonly server: Server
  /** The system that has it, and the Debian suite that the system is. */
  readonly root: string
  readonly from: string
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** Starts the server, runs its suite against it, and ends it with all that belongs to it. */
export async function runSuite(options: SuiteOptions): Promise<Run | Missing> {
  const { server, root, from, say, signal } = options
  const startedAt = performance.now()
  const version = await versionOf(server, root)
  const about = { server: server.name, from, suite: server.suite }
  say(`\n${server.name} ${version} (Debian ${from})`)
  const files: FileResult[] = []
  const finish = (): Run => ({
    ...about,
    version,
    files,
    seconds: (performance.now() - startedAt) / 1000,
  })
  await using dir = await tempDir('narwhal-compat-')
  // PostgreSQL runs as another user.
  await chmod(dir.path, 0o755)
  let env: Readonly<Record<string, string>> = {}
  await using stack = new AsyncDisposableStack()
  if (server.start) {
    try {
      const service = await server.start(dir.path, signal, { root })
      if ('unavailable' in service) return { ...about, reason: service.unavailable }
      stack.use(service)
      ;({ env } = service)
    } catch (error) {
      signal.throwIfAborted()
      files.push(notStarted(server, error))
      return finish()
    }
  }
  const checkout = process.cwd()
  const common = {
    root: checkout,
    env: { NODE_COMPILE_CACHE: CACHE, ...process.env, ...env },
    timeoutMs: TEST_TIMEOUT_MS,
    signal,
    ...(server.start ? {} : { place: await placeOf(server, root) }),
  }
  const names = globSync([...server.files], { cwd: checkout }).sort()
  await runFiles(
    names,
    () => false,
    common,
    (result) => {
      files.push(result)
      say(fileLine(result))
    },
  )
  signal.throwIfAborted()
  return finish()
}

/** Rules of a newer nftables in this machine's own network would make an older one crash. */
async function placeOf({ isAlone = false }: Server, root: string): Promise<Place> {
  const checkout = process.cwd()
  return { root, shared: [checkout, await gitFolderOf(checkout)], ownNetwork: isAlone }
}

/** Of a worktree it is elsewhere, and git fails in one whose folder it doesn't see. */
async function gitFolderOf(checkout: string): Promise<string> {
  const query = ['rev-parse', '--path-format=absolute', '--git-common-dir']
  const { stdout } = await run('git', query, { cwd: checkout })
  return stdout.trim()
}

function notStarted({ name }: Server, error: unknown): FileResult {
  const failed = { path: ['is started'], outcome: 'failed', error: describeError(error) } as const
  return { file: name, tests: [failed], durationMs: 0, output: '' }
}

/** The upstream part: without Debian's epoch and revision. */
async function versionOf({ packages, versioned }: Server, root: string): Promise<string> {
  const query = ['dpkg-query', '--show', '--showformat', '${Version}\n', versioned ?? packages[0]]
  const [command, ...args] = commandIn({ root }, query)
  const { stdout } = await run(command, args)
  // Packages that are only known of have none.
  return upstreamVersion(stdout.split('\n').find((line) => line !== '') ?? '')
}

export function upstreamVersion(debian: string): string {
  return debian.replace(/^\d+:/, '').replace(/[-+~].*$/, '')
}
