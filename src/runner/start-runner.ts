import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { requireGit } from '../lib/git/git-version.ts'
import { removeFolder } from '../lib/remove-folder.ts'
import { claimFolder } from './claim-folder.ts'
import { Runner } from './runner.ts'
import type { RunnerDeps, RunnerOptions } from './runner-options.ts'
import { Spools } from './spool/spools.ts'

/**
 * Claims the folder, removes what a former process left there but for the reports of its attempts,
 * and gives back a runner at work. Rejects as `requireGit` does.
 */
export async function startRunner(deps: RunnerDeps, options: RunnerOptions): Promise<Runner> {
  // Waited for at the end: it takes as long as all the rest.
  const hasGit = requireGit(deps.gitEnv)
  hasGit.catch(() => {})
  const workspaces = join(deps.dataDir, 'workspaces')
  await makeClosed(workspaces)
  await makeClosed(join(deps.dataDir, 'mirrors'))
  await using stack = new AsyncDisposableStack()
  if (!deps.claim) stack.use(await claimFolder(deps.dataDir))
  for (const name of await readdir(workspaces)) {
    deps.log.info({ workspace: name }, 'a workspace of a former process is removed')
    await removeFolder(join(workspaces, name)).catch((error: unknown) => {
      // Its name is never used again, so that it stands in nobody's way.
      deps.log.error({ err: error, workspace: name }, 'a leftover workspace could not be removed')
    })
  }
  const { log } = deps
  const spools = await Spools.open(join(deps.dataDir, 'spool'), { log, runnerName: options.name })
  stack.use(spools)
  await hasGit
  return new Runner(deps, options, { spools, parts: stack.move() })
}

/** Sandboxes get at what is in it all the same: it is bound into them by who may. */
async function makeClosed(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
}
