import { mkdir } from 'node:fs/promises'
import type { Following } from '../../cli/follow-pipeline.ts'
import type { PipelineModel } from '../../cli/pipeline-model.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import { claimFolder } from '../../runner/claim-folder.ts'
import type { Executor } from '../../runner/executor/executor.ts'
import type { KeepFailed } from '../../runner/failed-sandbox.ts'
import type { NetworkSource } from '../../runner/network/network-source.ts'
import { PipelineFileParser } from '../../runner/pipeline-file-parser.ts'
import { openExecutorOf, openNetworksOf } from '../runner-parts.ts'
import type { LocalContext } from './local-context.ts'
import type { Secrets } from './secret-file.ts'
import type { WorkSnapshot } from './snapshot-work.ts'

/** What is run. */
export interface LocalWork {
  readonly snapshot: WorkSnapshot
  /** The repository's name, for people. */
  readonly name: string
}

/** What a pipeline is run for. */
export interface LocalEvent extends LocalWork, Pick<CommitEvent, 'kind' | 'details'> {
  readonly ref: string
}

/** Narwhal's own parts in this process: no server, and nothing that lasts. */
export interface LocalEngine extends AsyncDisposable {
  readonly executor: Executor
  readonly networks: NetworkSource
  /** Runs a pipeline to its end; all snapshots must be in the repository of the first. */
  run(event: LocalEvent, following: Following): Promise<PipelineModel>
}

/** What a run may have besides. */
export interface LocalParts {
  /** That of the folder, the engine's to give up; it claims the folder itself unless given. */
  readonly claim?: AsyncDisposable
  readonly secrets?: Secrets
  /** Keeps sandboxes in which a step has failed. */
  readonly keepFailed?: KeepFailed | undefined
  /** What will be run first, once it is known: it is fetched while the engine is opened. */
  readonly first?: Promise<LocalWork>
}

/** The folder keeps mirrors for the next time; it must be used by one engine at a time. */
export async function openLocalEngine(
  context: LocalContext,
  folder: string,
  parts: LocalParts = {},
): Promise<LocalEngine> {
  await using stack = new AsyncDisposableStack()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const claim = stack.use(parts.claim ?? (await claimFolder(folder)))
  // Other programs are asked, and a thread starts, while most of the code is loaded.
  const networks = stack.use(await openNetworksOf(context, folder, { stays: false }))
  const opening = openExecutorOf(context, { dataDir: folder, networks })
  opening.catch(() => {})
  const parser = stack.use(new PipelineFileParser())
  parser.warmUp()
  const { startLocalParts } = await import('./local-parts.ts')
  const started = stack.use(
    await startLocalParts(context, { ...parts, folder, claim, opening, parser }),
  )
  const owned = stack.move()
  return {
    executor: started.executor,
    networks,
    run: (event, following) => started.run(event, following),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
