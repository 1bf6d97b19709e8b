import { mkdir } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { NarwhalError } from '../../lib/errors.ts'
import { claimFolder } from '../../runner/claim-folder.ts'
import type { PipelineParser } from '../../runner/plan/plan-commit.ts'
import { openExecutorOf, openNetworksOf } from '../runner-parts.ts'
import { LeftSandboxes } from './left-sandboxes.ts'
import { type LocalContext, localDataFolder } from './local-context.ts'
import type { LocalEngine, LocalParts } from './local-work.ts'

/** In this process: a thread of its own would take longer to start than all the rest, for a file that is the user's. */
const PARSER: PipelineParser = {
  parse: async (text, facts, included) => {
    const { parsePipelineFile } = await import('../../pipeline-file/parse-pipeline-file.ts')
    return parsePipelineFile(text, facts, included)
  },
  [Symbol.asyncDispose]: async () => {},
}

/**
 * Loads the parts of an engine in pieces: it takes longer than git needs to commit a small working tree, and
 * between the pieces git's next command is started.
 */
async function loadParts(signal: AbortSignal) {
  const pause = async (): Promise<void> => {
    await nextTurn()
    // A run that has failed loads no more.
    signal.throwIfAborted()
  }
  await pause()
  await import('../../pipeline-file/parse-pipeline-file.ts')
  await pause()
  await import('../../runner/start-runner.ts')
  await pause()
  await import('../../dispatcher/dispatcher.ts')
  await pause()
  const parts = await import('./local-parts.ts')
  await pause()
  await import('../../cli/follow/follow-pipeline.ts')
  return parts
}

/** The folder keeps mirrors for the next run; only one engine may use it at a time. */
export async function openLocalEngine(
  context: LocalContext,
  folder: string,
  parts: LocalParts = {},
): Promise<LocalEngine> {
  await using stack = new AsyncDisposableStack()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const claim = stack.use(parts.claim ?? (await claimFolder(folder)))
  // Programs are probed while most of the code is loaded.
  const ready = context.config.executor.kind === 'docker' ? 0 : 1
  const networks = stack.use(await openNetworksOf(context, folder, { stays: false, ready }))
  const imagesDir = localDataFolder(context.config.data)
  const opening = openExecutorOf(context, { dataDir: folder, imagesDir, networks }).then(
    (executor) => new LeftSandboxes(executor, context),
  )
  const checking = opening.then(async (executor) => {
    const trouble = await parts.check?.({ executor, networks })
    if (trouble) throw new NarwhalError('unavailable', trouble)
  })
  checking.catch(() => {})
  stack.defer(async () => {
    const executor = await opening.catch(() => undefined)
    await executor?.[Symbol.asyncDispose]()
  })
  // Without a sandbox nothing else matters.
  const [{ startLocalParts }] = await Promise.all([loadParts(context.signal), checking])
  const started = stack.use(
    await startLocalParts(context, { ...parts, folder, claim, opening, parser: PARSER }),
  )
  const owned = stack.move()
  return {
    executor: started.executor,
    networks,
    run: (event, following) => started.run(event, following),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
