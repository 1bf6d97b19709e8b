import { execFile } from 'node:child_process'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '../services/programs.ts'
import { tempDir } from '../temp-dir.ts'
import { makeKey, missingForSsh, type SshServer, startSsh } from './ssh-server.ts'

const run = promisify(execFile)

export function missingForGitolite(): string | undefined {
  return findProgram('gitolite') ? missingForSsh() : 'gitolite is not installed (apt: gitolite3)'
}

/** Who may read what; nobody may read the second repository. */
const RULES = 'repo gitolite-admin\n  RW+ = ada\nrepo app\n  R = ada\nrepo secret\n  R = bob\n'

/** A gitolite of its own behind sshd, whose repository `app` is the one at this path. */
export async function startGitolite(repository: string): Promise<SshServer> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-gitolite-'))
  const home = dir.join('home')
  await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 })
  const key = await makeKey(dir.join('ada'))
  const env = { PATH: process.env['PATH'], HOME: home, USER: 'git', GIT_CONFIG_NOSYSTEM: '1' }
  await run('gitolite', ['setup', '-pk', `${key}.pub`], { env, cwd: home })
  await writeFile(join(home, '.gitolite', 'conf', 'gitolite.conf'), RULES)
  await run('gitolite', ['compile'], { env, cwd: home })
  const served = join(home, 'repositories', 'app.git')
  // Gitolite keeps the rules of a repository in its folder, and refuses one without its hooks.
  const dotGit = join(repository, '.git')
  await rm(join(dotGit, 'hooks'), { recursive: true, force: true })
  for (const name of ['gl-conf', 'hooks']) await rename(join(served, name), join(dotGit, name))
  await rm(served, { recursive: true, force: true })
  await symlink(dotGit, served)
  const server = stack.use(await startSsh({ folder: dir.path, home }, key))
  const owned = stack.move()
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
