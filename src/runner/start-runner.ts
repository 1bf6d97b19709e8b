import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { requireGit } from '../lib/git/git-version.ts'
import { claimFolder } from './claim-folder.ts'
import { Trash } from './disk/trash.ts'
import { Runner } from './runner.ts'
import type { RunnerDeps, RunnerOptions } from './runner-options.ts'
import { Spools } from './spool/spools.ts'

/**
 * Claims the folder, removes what a previous process left there except for its spool, and starts the
 * runner. Rejects as `requireGit` does.
 */
export async function startRunner(deps: RunnerDeps, options: RunnerOptions): Promise<Runner> {
  // Awaited at the end: it takes as long as all the rest.
  const hasGit = deps.hasGit ? Promise.resolve() : requireGit(deps.gitEnv)
  hasGit.catch(() => {})
  const workspaces = join(deps.dataDir, 'workspaces')
  await makePrivateFolder(workspaces)
  await makePrivateFolder(join(deps.dataDir, 'mirrors'))
  await using stack = new AsyncDisposableStack()
  if (!deps.claim) stack.use(await claimFolder(deps.dataDir))
  const trash = new Trash(join(deps.dataDir, 'trash'))
  trash.empty()
  for (const name of await readdir(workspaces)) {
    deps.log.info({ workspace: name }, 'removing a leftover workspace')
    await trash.throwAway(join(workspaces, name)).catch((err: unknown) => {
      // Its name is never used again, so it does no harm.
      deps.log.error({ err, workspace: name }, "can't remove a leftover workspace")
    })
  }
  const { log } = deps
  const spools = await Spools.open(join(deps.dataDir, 'spool'), { log, runnerName: options.name })
  stack.use(spools)
  await hasGit
  return new Runner(deps, options, { spools, trash, parts: stack.move() })
}

/** Sandboxes still reach what is in it, through bind mounts. */
async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
}
