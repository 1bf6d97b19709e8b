import type { CliIo, Terminal } from '../../src/cli/terminal/cli-io.ts'
import { ApiClient } from '../../src/client/client.ts'
import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import type { PipelineId } from '../../src/core/ids.ts'
import { NarwhalError } from '../../src/lib/errors.ts'
import { runUp } from '../../src/start/up.ts'
import { eventually } from './eventually.ts'
import { deliver, type ForgeRepository, pushPayload, type WebhookReply } from './github.ts'
import { tempDir } from './temp-dir.ts'
import { tokenIn } from './tokens.ts'

const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')

/** A whole Narwhal, as its users have it, in one process or several. */
export interface Installation extends AsyncDisposable {
  readonly url: string
  readonly agentUrl: string
  readonly client: ApiClient
  readonly token: string
}

/** Starts `narwhal up` in this process, on a free port with a data folder of its own. */
export async function startUp(
  flags: Readonly<Record<string, string>> = {},
): Promise<Installation & { readonly dataDir: string; readonly output: () => string }> {
  await using stack = new AsyncDisposableStack()
  const data = flags['data'] ?? stack.use(await tempDir()).path
  const stop = new AbortController()
  const written: string[] = []
  const running = runUp({
    io: captureIo(stop.signal, (text) => written.push(text)),
    root,
    version: 'test',
    flags: { data, port: '0', executor: 'fake:', slots: '4', logLevel: 'warn', ...flags },
  })
  stack.defer(async () => {
    stop.abort(new NarwhalError('cancelled', 'the test is over'))
    // Its failure has already been reported to the caller that waits.
    await running.catch(() => undefined)
  })
  const output = (): string => written.join('')
  const url = await Promise.race([
    eventually(() => /is up: (http:\S+)/.exec(output())?.[1] ?? null, { message: 'narwhal up' }),
    running.then(() => Promise.reject(new Error(`narwhal up ended: ${output()}`))),
  ])
  const token = tokenIn(data)
  const resources = stack.move()
  return {
    url,
    agentUrl: url,
    client: new ApiClient({ server: url, token }, stop.signal),
    token,
    dataDir: data,
    output,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

/** A process's terminal that only records what is written. */
export function captureIo(signal: AbortSignal, write: (text: string) => void): CliIo {
  const terminal: Terminal = {
    isTTY: false,
    columns: 100,
    rows: 40,
    write,
    onResize: () => ({ [Symbol.dispose]: () => undefined }),
  }
  return {
    stdout: terminal,
    stderr: terminal,
    env: { LANG: 'C.UTF-8' },
    cwd: root,
    dataFolder: '/nonexistent',
    signal,
    readInput: async () => '',
    now: () => Date.now(),
    exit: () => undefined,
    onExit: () => ({ [Symbol.dispose]: () => undefined }),
  }
}

/** A forge's repository, registered at an installation. */
export interface Registered {
  readonly forge: ForgeRepository
  readonly secret: string
  readonly id: string
}

let lastForgeId = 1000

/** Registers a repository of GitHub; not polled by default. */
export async function register(
  installation: Pick<Installation, 'client'>,
  cloneUrl: string,
  options: { name?: string; pollIntervalMs?: number } = {},
): Promise<Registered> {
  const id = ++lastForgeId
  const fullName = options.name ?? `ada/project-${id}`
  const { repository, webhook } = await installation.client.addRepository({
    name: fullName,
    cloneUrl,
    forge: 'github',
    pollIntervalMs: options.pollIntervalMs ?? 0,
  })
  if (!webhook) throw new Error('a GitHub repository has a webhook')
  return { forge: { id, fullName }, secret: webhook.secret, id: repository.id }
}

export async function push(
  installation: Installation,
  repository: Registered,
  commit: { sha: string; ref?: string; title?: string; delivery?: string },
): Promise<WebhookReply> {
  return await deliver(installation.agentUrl, {
    event: 'push',
    payload: pushPayload(repository.forge, commit),
    secret: repository.secret,
    ...(commit.delivery ? { id: commit.delivery } : {}),
  })
}

/** The pipeline of a commit event, as soon as there is one. */
export async function pipelineOf(
  { client }: Pick<Installation, 'client'>,
  eventId: string | undefined,
): Promise<PipelineView> {
  return await eventually(
    async () => {
      const pipelines = await client.listPipelines({ limit: 500 })
      return pipelines.find((one) => one.event.id === eventId) ?? null
    },
    { message: `a pipeline of ${eventId}`, timeoutMs: 30_000 },
  )
}

/** The pipeline with its jobs, when it has ended. */
export async function finished(
  { client }: Pick<Installation, 'client'>,
  id: PipelineId,
  timeoutMs = 60_000,
): Promise<PipelineWithJobs> {
  return await eventually(
    async () => {
      const found = await client.getPipeline(id)
      return found.pipeline.status === 'finished' ? found : null
    },
    { message: `the end of ${id}`, timeoutMs },
  )
}

/** The pipeline, when it has ended or waits for approval. */
export async function settled(
  { client }: Pick<Installation, 'client'>,
  id: PipelineId,
): Promise<PipelineView> {
  return await eventually(
    async () => {
      const { pipeline } = await client.getPipeline(id)
      return pipeline.status === 'finished' || pipeline.approval ? pipeline : null
    },
    { message: `the end of ${id}, or that it waits for approval` },
  )
}

/** The text of a job's log, without Narwhal's own lines. */
export async function logText(
  { client }: Pick<Installation, 'client'>,
  job: { id: `job_${string}`; attempt: number },
): Promise<string> {
  const page = await client.readLog(
    { jobId: job.id, attempt: job.attempt },
    { from: 0, limit: 10_000 },
  )
  return page.lines
    .filter((line) => line.stream !== 'narwhal')
    .map((line) => line.text)
    .join('\n')
}
