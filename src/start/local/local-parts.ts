import { EmbeddedBroker } from '../../broker/embedded.ts'
import { localDoer } from '../../core/audit/audit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import { Dispatcher } from '../../dispatcher/dispatcher.ts'
import { IdTokenMinter } from '../../dispatcher/id-tokens/minter.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { Executor } from '../../runner/executor/executor.ts'
import { inProcessTransport } from '../../runner/link/in-process.ts'
import type { PipelineParser } from '../../runner/plan/plan-commit.ts'
import type { Store, Uses } from '../../store/store.ts'
import { setSecret } from '../../vault/secret-values.ts'
import { Vault } from '../../vault/vault.ts'
import { startRunnerOf } from '../runner-parts.ts'
import { endAfterCleanup, type RunEnd } from './end-after-cleanup.ts'
import { openFleetingStore } from './fleeting-store.ts'
import type { LocalContext } from './local-context.ts'
import type { LocalEngine, LocalEvent, LocalParts } from './local-work.ts'
import { LOCAL_REPOSITORY } from './snapshot/local-mirror.ts'
import { watchLocal } from './watch-local.ts'

/** Parts that are open already; the caller disposes them. */
interface OpenParts extends LocalParts {
  readonly folder: string
  readonly claim: AsyncDisposable
  readonly opening: Promise<Executor>
  readonly parser: PipelineParser
}

/** The only actor, in a store that is deleted with the process. */
const LOCAL = localDoer('', 'narwhal run')

/**
 * There is no other runner to choose or to wait for, and somebody is there to try again: an image that can't
 * be pulled is an error at once.
 */
const ONE_RUNNER = {
  heuristic: 'least-loaded',
  maxAttempts: 1,
  endsWithoutEngine: true,
} as const

/** Starts the other parts of an engine. */
export async function startLocalParts(
  context: LocalContext,
  { folder, claim, opening, parser, secrets = {}, keepFailed, onCleanup }: OpenParts,
): Promise<Omit<LocalEngine, 'networks'>> {
  await using stack = new AsyncDisposableStack()
  const { log, gitEnv, config } = context
  const broker = stack.use(new EmbeddedBroker(log))
  const [{ store }, executor] = await Promise.all([
    openFleetingStore(folder, log).then((opened) => stack.use(opened)),
    opening,
  ])
  const vault = await Vault.openInMemory(store)
  for (const [name, value] of Object.entries(secrets)) {
    await setSecret({ store, vault }, { name, value, by: LOCAL })
  }
  const runner = stack.use(
    await startRunnerOf(context, {
      executor,
      dataDir: folder,
      claim,
      keepFailed,
      parser,
      // What an older one lacks is needed for remote repositories only.
      hasGit: true,
    }),
  )
  stack.use(
    await Dispatcher.start(
      {
        store,
        broker,
        vault,
        minter: new IdTokenMinter({ store, vault, trouble: NO_TOKENS }),
        gitEnv,
        log,
      },
      {
        ...ONE_RUNNER,
        jobTimeoutMs: config['job-timeout'],
        cleanupMs: config['cleanup-timeout'],
        logBytes: config['log-size'],
        includes: config['include-repositories'] ?? [],
        secretAdvice: (name) => `set ${name} by --secret-file`,
        inProcess: { name: config.name, transport: inProcessTransport(runner) },
      },
    ),
  )
  const parts = stack.move()
  return {
    executor,
    run: runsIn(store, broker, () =>
      endAfterCleanup({ runner, signal: context.signal, onCleanup }),
    ),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** Runs a pipeline for each event; the repository is the same for all. */
function runsIn(store: Store, broker: EmbeddedBroker, endOf: () => RunEnd): LocalEngine['run'] {
  let registered: Promise<void> | undefined
  return async (event, following) => {
    const eventId = newId('event')
    using end = endOf()
    const { signal, over } = end
    const model = await watchLocal(
      { broker, store, eventId, following, signal, over },
      async () => {
        registered ??= registerWork(store, event)
        await registered
        await accept(store, { ...event, id: eventId })
        await broker.publishCommit(eventId)
      },
    )
    // It may have ended by its cleanup.
    end.throwIfEnding()
    return model
  }
}

const NO_TOKENS =
  '`narwhal run` issues none, since nobody could verify them: `optional: true` runs the job without'

async function registerWork(
  store: Uses<'transact'>,
  { snapshot, name }: LocalEvent,
): Promise<void> {
  const repository = {
    id: LOCAL_REPOSITORY,
    name,
    forge: 'git',
    cloneUrl: snapshot.repository,
    webhookSecret: '',
    pollIntervalMs: 0,
    createdAt: Date.now(),
  } as const
  await store.transact((write) => write.repositories.insert(repository, []))
}

async function accept(
  store: Uses<'transact'>,
  { id, kind, details, snapshot, ref }: LocalEvent & Pick<CommitEvent, 'id'>,
): Promise<void> {
  const event: CommitEvent = {
    id,
    repositoryId: LOCAL_REPOSITORY,
    kind,
    ref,
    sha: snapshot.sha,
    title: '',
    author: '',
    trust: {},
    ...present({ details }),
    source: 'manual',
    receivedAt: Date.now(),
  }
  await store.transact(async (write) => {
    await write.events.accept([event])
  })
}
