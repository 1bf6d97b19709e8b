import { mkdir } from 'node:fs/promises'
import { claimFolder } from '../../runner/claim-folder.ts'
import { PipelineFileParser } from '../../runner/plan/pipeline-file-parser.ts'
import { openExecutorOf, openNetworksOf } from '../runner-parts.ts'
import { LeftSandboxes } from './left-sandboxes.ts'
import type { LocalContext } from './local-context.ts'
import type { LocalEngine, LocalParts } from './local-work.ts'

/** The folder keeps mirrors for the next run; only one engine may use it at a time. */
export async function openLocalEngine(
  context: LocalContext,
  folder: string,
  parts: LocalParts = {},
): Promise<LocalEngine> {
  await using stack = new AsyncDisposableStack()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const claim = stack.use(parts.claim ?? (await claimFolder(folder)))
  // Programs are probed, and a thread starts, while most of the code is loaded.
  const networks = stack.use(await openNetworksOf(context, folder, { stays: false }))
  const opening = openExecutorOf(context, { dataDir: folder, networks }).then(
    (executor) => new LeftSandboxes(executor, context),
  )
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
