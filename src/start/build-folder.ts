import { realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type CliIo, coloursFor } from '../cli/cli-io.ts'
import { ApiClient } from '../cli/client.ts'
import { followPipeline } from '../cli/follow-pipeline.ts'
import type { PipelineView, RepositoryView } from '../contract/views.ts'
import { describeError } from '../lib/errors.ts'
import { type GitEnv, git } from '../lib/git.ts'
import { snapshotFolder } from './snapshot-folder.ts'

const POLL_MS = 5_000

interface Build {
  readonly folder: string
  /** Where this very process serves. */
  readonly url: string
  readonly dataDir: string
  readonly token: string | undefined
  readonly context: { readonly gitEnv: GitEnv; readonly signal: AbortSignal }
  readonly io: CliIo
}

/**
 * Registers a folder as a repository and builds its HEAD, showing that live; a commit that was
 * built before is not built again. A folder without git is built as a snapshot. Trouble is told and
 * keeps nothing from running.
 */
export async function buildFolder(build: Build): Promise<void> {
  const { io, url, context } = build
  const client = new ApiClient(
    { server: url, ...(build.token ? { token: build.token } : {}) },
    context.signal,
  )
  try {
    const source = await sourceOf(build)
    const known = (await client.listRepositories()).find((one) => one.cloneUrl === source.cloneUrl)
    const started = known
      ? await startIfNew(client, known, source.sha)
      : await startFirst(client, source)
    if (started) {
      await followPipeline(client, started.id, io, context.signal)
    } else {
      io.stdout.write(`Commit ${source.sha.slice(0, 7)} of ${source.name} was built before.\n`)
    }
    sayWhatNext(io, url, started)
  } catch (error) {
    if (context.signal.aborted) return
    io.stderr.write(`narwhal: ${build.folder} can't be built: ${describeError(error)}\n`)
  }
}

interface Source {
  readonly name: string
  readonly cloneUrl: string
  readonly sha: string
}

async function sourceOf({ folder, dataDir, context }: Build): Promise<Source> {
  const path = await realpath(folder)
  const name = basename(path).replace(/[^A-Za-z0-9_.-]/g, '-') || 'folder'
  const { gitEnv: env, signal } = context
  const sha = await git(['rev-parse', '--verify', 'HEAD'], { cwd: path, env, signal })
    .then((text) => text.trim())
    .catch(() => undefined)
  const top = await git(['rev-parse', '--show-toplevel'], { cwd: path, env, signal })
    .then((text) => text.trim())
    .catch(() => undefined)
  if (sha && top === path) return { name, cloneUrl: path, sha }
  const cloneUrl = join(dataDir, 'snapshots', `${name}.git`)
  return { name, cloneUrl, sha: await snapshotFolder(path, cloneUrl, { env, signal }) }
}

async function startFirst(client: ApiClient, source: Source): Promise<PipelineView> {
  const { repository } = await client.addRepository({
    name: source.name,
    cloneUrl: source.cloneUrl,
    pollIntervalMs: POLL_MS,
  })
  return await client.startPipeline({ repository: repository.id })
}

async function startIfNew(
  client: ApiClient,
  repository: RepositoryView,
  sha: string,
): Promise<PipelineView | undefined> {
  const built = await client.listPipelines({ repository: repository.id, text: sha, limit: 1 })
  if (built.length > 0) return undefined
  return await client.startPipeline({ repository: repository.id })
}

function sayWhatNext(io: CliIo, url: string, started: PipelineView | undefined): void {
  const { bold, cyan, dim } = coloursFor(io, io.stdout)
  const page = started ? `${url}/pipelines/${started.id}` : url
  const lines = [
    '',
    `Look at it:        ${cyan(page)}`,
    `Add a repository:  ${bold('./narwhal repo add https://github.com/owner/name')}`,
    `Build it:          ${bold('./narwhal pipeline start owner/name --follow')}`,
    `All commands:      ${bold('./narwhal --help')}`,
    dim('Ctrl-C stops Narwhal.'),
    '',
  ]
  io.stdout.write(lines.join('\n'))
}
