import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readInclude } from '../../cli/parts/read-include.ts'
import { includeSources } from '../../dispatcher/pipelines/include-sources.ts'
import type { IncludedFile, IncludeRef } from '../../pipeline-file/read/include-ref.ts'
import { MirrorCache } from '../../runner/mirror/mirror-cache.ts'
import { IncludeLoader } from '../../runner/plan/load-include.ts'
import type { LocalContext } from './local-context.ts'

/** Loads the files that the working tree includes. */
export interface LocalIncludes extends AsyncDisposable {
  load(ref: IncludeRef): Promise<IncludedFile>
}

/** From the folder, and from other repositories if the settings name them. */
export async function openLocalIncludes(
  context: LocalContext,
  root: string,
): Promise<LocalIncludes> {
  const { gitEnv: env, log, signal, config } = context
  const store = { repositories: { find: async () => undefined } }
  const sources = await includeSources({ store }, config['include-repositories'] ?? [], false)
  await using stack = new AsyncDisposableStack()
  let loading: Promise<IncludeLoader> | undefined
  const open = async (): Promise<IncludeLoader> => {
    const folder = await mkdtemp(join(tmpdir(), 'narwhal-includes-'))
    parts.defer(() => rm(folder, { recursive: true, force: true }))
    const mirrors = parts.use(new MirrorCache({ folder, env, log }))
    return new IncludeLoader({ mirrors, env, sources }, signal)
  }
  const parts = stack.move()
  return {
    load: async (ref) => {
      const { from } = ref
      const name = from?.repository.toLowerCase()
      if (!sources.some((one) => one.name.toLowerCase() === name)) return readInclude(ref, root)
      loading ??= open()
      return (await loading).load(ref)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
