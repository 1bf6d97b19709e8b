import { realpath } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_SERVER } from '../cli/parts/client-command.ts'
import { type CliIo, coloursFor } from '../cli/terminal/cli-io.ts'
import { ApiClient } from '../client/client.ts'
import { defaultDataFolder } from '../config/data-folder.ts'
import type { RepositoryView } from '../contract/rest/rest-repositories.ts'
import type { PipelineView } from '../contract/rest/views.ts'
import { describeError } from '../lib/errors.ts'
import { type GitEnv, git } from '../lib/git/git.ts'
import { urlFromHere } from '../lib/reach/url-from-here.ts'
import { shellQuote } from '../lib/shell-quote.ts'
import type { ClientTls } from '../lib/tls/tls-files.ts'
import { nameOf, snapshotsOf } from './folder-sources.ts'
import { snapshotFolder } from './snapshot-folder.ts'

const POLL_MS = 5_000

interface Build {
  readonly folder: string
  /** The URL of this process. */
  readonly url: string
  readonly dataDir: string
  /** Narwhal's own checkout. */
  readonly root: string
  /** For the API of this process. */
  readonly token: string
  readonly tls?: ClientTls | undefined
  readonly context: { readonly gitEnv: GitEnv; readonly signal: AbortSignal }
  readonly io: CliIo
}

/**
 * Registers a folder as a repository and builds its HEAD, showing it live; a commit that was built before
 * is not built again. A folder without git is built as a snapshot. Errors are printed, and don't stop
 * Narwhal.
 */
export async function buildFolder(build: Build): Promise<void> {
  const { io, url, context } = build
  const client = new ApiClient({ server: url, token: build.token, tls: build.tls }, context.signal)
  try {
    const source = await sourceOf(build)
    const known = (await client.listRepositories()).find((one) => one.cloneUrl === source.cloneUrl)
    const pipeline = known
      ? await findOrStart(client, known, source, context.signal)
      : await startFirst(client, source)
    if (pipeline.status === 'finished') {
      const commit = source.sha.slice(0, 7)
      io.stdout.write(
        `Commit ${commit} of ${source.name} was already built: ${pipeline.outcome}.\n`,
      )
    } else {
      // Loaded only when it is needed.
      const { followPipeline } = await import('../cli/follow/follow-pipeline.ts')
      await followPipeline(client, pipeline.id, io, context.signal)
    }
    printNextSteps(build, pipeline.id)
  } catch (error) {
    if (context.signal.aborted) return
    io.stderr.write(`narwhal: ${build.folder} can't be built: ${describeError(error)}\n`)
  }
}

interface Source {
  readonly name: string
  readonly cloneUrl: string
  readonly sha: string
  /** Whether HEAD is a branch, so that the poller sees it. */
  readonly isBranch: boolean
}

async function sourceOf({ folder, dataDir, context }: Build): Promise<Source> {
  const path = await realpath(folder)
  const name = nameOf(path)
  const { gitEnv: env, signal } = context
  const ask = (...args: string[]): Promise<string | undefined> =>
    git(args, { cwd: path, env, signal }).then(
      (text) => text.trim(),
      () => undefined,
    )
  const sha = await ask('rev-parse', '--verify', 'HEAD')
  if (sha && (await ask('rev-parse', '--show-toplevel')) === path) {
    const isBranch = (await ask('symbolic-ref', '--quiet', 'HEAD')) !== undefined
    return { name, cloneUrl: path, sha, isBranch }
  }
  const cloneUrl = snapshotsOf(path, dataDir)
  const snapshot = await snapshotFolder(path, cloneUrl, { env, signal })
  return { name, cloneUrl, sha: snapshot, isBranch: true }
}

async function startFirst(client: ApiClient, source: Source): Promise<PipelineView> {
  const { repository } = await client.addRepository({
    name: source.name,
    cloneUrl: source.cloneUrl,
    pollIntervalMs: POLL_MS,
  })
  return await client.startPipeline({ repository: repository.id })
}

/** The pipeline of the folder's HEAD; for a branch, the poller creates it. */
async function findOrStart(
  client: ApiClient,
  repository: RepositoryView,
  source: Source,
  signal: AbortSignal,
): Promise<PipelineView> {
  const query = { repository: repository.id, text: source.sha, limit: 1 }
  const deadline = Date.now() + (source.isBranch ? 2 * POLL_MS : 0)
  for (;;) {
    const [pipeline] = await client.listPipelines(query)
    if (pipeline) return pipeline
    if (Date.now() >= deadline) break
    await sleep(100, undefined, { signal })
  }
  return await client.startPipeline({ repository: repository.id })
}

function printNextSteps({ io, url, dataDir, root }: Build, pipeline: string): void {
  const { bold, cyan, dim } = coloursFor(io, io.stdout)
  // What the command line needs to know in another terminal.
  const server = urlFromHere(url)
  const variables = [
    ...(server === DEFAULT_SERVER ? [] : [`NARWHAL_SERVER=${server}`]),
    ...(dataDir === defaultDataFolder(root) ? [] : [`NARWHAL_DATA=${quoted(dataDir)}`]),
  ]
  const lines = [
    '',
    `View it:           ${cyan(`${server}/pipelines/${pipeline}`)}`,
    ...(variables.length > 0
      ? [`In a new terminal: ${bold(`export ${variables.join(' ')}`)}`]
      : []),
    `Sign in:           ${bold('./narwhal sign-in-link')}`,
    `Add a repository:  ${bold('./narwhal repo add https://github.com/owner/name')}`,
    `Run it:            ${bold('./narwhal pipeline start owner/name --follow')}`,
    `All commands:      ${bold('./narwhal --help')}`,
    dim('Ctrl-C stops Narwhal.'),
    '',
  ]
  io.stdout.write(lines.join('\n'))
}

/** Quoted for a shell, if necessary. */
function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : shellQuote(text)
}
