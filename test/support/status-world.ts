import { pino } from 'pino'
import type { PipelineId, RepositoryId } from '../../src/core/ids.ts'
import type { Pipeline } from '../../src/core/pipeline/pipeline.ts'
import { StatusReporter } from '../../src/dispatcher/statuses/status-reporter.ts'
import type { ForgeLinkRecord } from '../../src/store/records.ts'
import { Stage } from './stage.ts'
import { type StatusForge, statusForge } from './status-forge.ts'

export const TOKEN = 'a-token-that-nobody-may-read'

/** A linked repository at a forge, and a reporter that is notified of each change of its pipelines. */
export async function openStatusWorld(over: Partial<ForgeLinkRecord> = {}) {
  await using stack = new AsyncDisposableStack()
  const forge = stack.use(await statusForge())
  const stage = stack.use(await Stage.open())
  const { id: repositoryId } = await stage.addRepository()
  const link = (project = 'acme/app'): Promise<void> =>
    stage.write((write) =>
      write.forgeLinks.save({
        repositoryId,
        forge: 'github',
        apiUrl: forge.url,
        project,
        token: 'sealed',
        createdAt: 0,
        ...over,
      }),
    )
  await link()
  const said: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void said.push(line) })
  const startReporter = async (): Promise<StatusReporter> => {
    const reporter = new StatusReporter({
      store: stage.store,
      log,
      dispatcherId: () => 'dispatcher_1',
      openToken: () => TOKEN,
      publicUrl: 'https://ci.example.com',
      onResult: () => {},
      firstPauseMs: 1,
    })
    await reporter.refresh()
    return reporter
  }
  const parts = stack.move()
  return {
    forge,
    stage,
    repositoryId,
    link,
    said,
    startReporter,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

export type StatusWorld = Awaited<ReturnType<typeof openStatusWorld>>

export async function note(
  { stage }: StatusWorld,
  reporter: StatusReporter,
  id: PipelineId,
): Promise<void> {
  const view = await stage.store.pipelines.findView(id)
  if (view) reporter.onChange(view)
}

/** Adds a pipeline that waits for a runner. */
export async function addPipeline(
  { stage }: StatusWorld,
  repositoryId: RepositoryId,
  sha = 'a'.repeat(40),
): Promise<Pipeline> {
  const created = await stage.addPipeline(repositoryId, { sha })
  const state = { status: 'pending', reason: 'no runner is online' } as const
  return await stage.write((write) => write.pipelines.save({ ...created, state }))
}

export const states = ({ taken }: StatusForge): (string | undefined)[] =>
  taken.map(({ body }) => body['state'])
