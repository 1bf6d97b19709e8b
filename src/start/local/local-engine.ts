import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedBroker } from '../../broker/embedded.ts'
import type { Following } from '../../cli/follow-pipeline.ts'
import type { PipelineModel } from '../../cli/pipeline-model.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import { Dispatcher } from '../../dispatcher/dispatcher.ts'
import { newId } from '../../lib/new-id.ts'
import { claimFolder } from '../../runner/claim-folder.ts'
import type { Executor } from '../../runner/executor/executor.ts'
import type { KeepFailed } from '../../runner/failed-sandbox.ts'
import { inProcessTransport } from '../../runner/in-process.ts'
import { openStore } from '../../store/open-store.ts'
import { setSecret } from '../../store/secret-values.ts'
import type { Store } from '../../store/store.ts'
import { Vault } from '../../store/vault.ts'
import { openExecutorOf, startRunnerOf } from '../runner-parts.ts'
import type { LocalContext } from './local-context.ts'
import type { Secrets } from './secret-file.ts'
import type { WorkSnapshot } from './snapshot-work.ts'

/** What a pipeline is run for. */
export interface LocalEvent extends Pick<CommitEvent, 'kind' | 'details'> {
  readonly snapshot: WorkSnapshot
  /** The repository's name, for people. */
  readonly name: string
  readonly ref: string
}

/** Narwhal's own parts in this process: no server, and nothing that lasts. */
export interface LocalEngine extends AsyncDisposable {
  readonly executor: Executor
  /** Runs a pipeline to its end; all snapshots must be in the repository of the first. */
  run(event: LocalEvent, following: Following): Promise<PipelineModel>
}

/** What a run may have besides. */
export interface LocalParts {
  readonly secrets?: Secrets
  /** Keeps sandboxes in which a step has failed. */
  readonly keepFailed?: KeepFailed | undefined
}

/** The folder keeps mirrors for the next time; it must be used by one engine at a time. */
export async function openLocalEngine(
  context: LocalContext,
  folder: string,
  { secrets = {}, keepFailed }: LocalParts = {},
): Promise<LocalEngine> {
  await using stack = new AsyncDisposableStack()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const claim = stack.use(await claimFolder(folder))
  const database = join(folder, 'run.db')
  await removeDatabase(database)
  stack.defer(() => removeDatabase(database))
  const { log, gitEnv, config } = context
  const broker = stack.use(new EmbeddedBroker(log))
  const [store, executor] = await Promise.all([
    openStore({ kind: 'sqlite', path: database }, log),
    openExecutorOf(context, folder),
  ])
  stack.use(store)
  const vault = await Vault.openInMemory(store)
  for (const [name, value] of Object.entries(secrets)) {
    await setSecret({ store, vault }, { name, value })
  }
  stack.use(executor)
  const runner = stack.use(
    await startRunnerOf(context, { executor, dataDir: folder, claim, keepFailed }),
  )
  stack.use(
    await Dispatcher.start(
      { store, broker, vault, gitEnv, log },
      {
        heuristic: 'least-loaded',
        jobTimeoutMs: config['job-timeout'],
        includes: config['include-repositories'] ?? [],
        maxAttempts: 3,
        secretAdvice: (name) => `give ${name} by --secret-file`,
        inProcess: { name: config.name, transport: inProcessTransport(runner) },
      },
    ),
  )
  const parts = stack.move()
  let registered: Promise<void> | undefined
  return {
    executor,
    run: async (event, following) => {
      const { watchLocal } = await import('./watch-local.ts')
      const eventId = newId('event')
      const { signal } = context
      return await watchLocal({ broker, store, eventId, following, signal }, async () => {
        registered ??= registerWork(store, event)
        await registered
        await accept(store, { ...event, id: eventId })
        await broker.publishCommit(eventId)
      })
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** Always the same, so that its mirror serves the next run as well. */
const REPOSITORY = 'repo_local'

async function registerWork(store: Store, { snapshot, name }: LocalEvent): Promise<void> {
  const repository = {
    id: REPOSITORY,
    name,
    forge: 'git',
    cloneUrl: snapshot.repository,
    webhookSecret: '',
    pollIntervalMs: 0,
    createdAt: Date.now(),
  } as const
  await store.transact((write) => write.insertRepository(repository, []))
}

async function accept(
  store: Store,
  { id, kind, details, snapshot, ref }: LocalEvent & Pick<CommitEvent, 'id'>,
): Promise<void> {
  const event: CommitEvent = {
    id,
    repositoryId: REPOSITORY,
    kind,
    ref,
    sha: snapshot.sha,
    title: '',
    author: '',
    trust: { fromFork: false },
    ...(details ? { details } : {}),
    source: 'manual',
    receivedAt: Date.now(),
  }
  await store.transact(async (write) => {
    await write.acceptEvents([event])
  })
}

async function removeDatabase(path: string): Promise<void> {
  for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true })
}
