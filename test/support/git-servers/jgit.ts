import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../services/programs.ts'
import { tempDir } from '../temp-dir.ts'
import { makeKey, missingForSsh, type SshServer, startSsh } from './ssh-server.ts'

/** Debian's own names not all that it needs. */
const CLASSPATH = '/usr/share/java/*'

export function missingForJgit(): string | undefined {
  if (!findProgram('jgit')) return 'JGit is not installed (apt: jgit-cli)'
  const env = { ...process.env, JGIT_CLASSPATH: CLASSPATH }
  const { status } = spawnSync('jgit', ['version'], { env, stdio: 'ignore' })
  // Of the package of 6.7 none does: it comes without a library, and names a class that is not there.
  return status === 0 ? missingForSsh() : 'no command of this JGit can be started'
}

/** JGit's upload-pack behind sshd, for every repository of this machine. */
export async function startJgit(): Promise<SshServer> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-jgit-'))
  const home = dir.join('home')
  await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 })
  const key = await makeKey(dir.join('ada'))
  const serve = dir.join('serve')
  // What ssh was asked for is `git-upload-pack 'PATH'`.
  const script = [
    '#!/bin/sh',
    'eval "set -- $SSH_ORIGINAL_COMMAND"',
    `JGIT_CLASSPATH='${CLASSPATH}' exec jgit upload-pack "$2"`,
  ]
  await writeFile(serve, `${script.join('\n')}\n`)
  await chmod(serve, 0o755)
  const publicKey = await readFile(`${key}.pub`, 'utf8')
  await writeFile(join(home, '.ssh', 'authorized_keys'), `command="${serve}" ${publicKey}`)
  const server = stack.use(await startSsh({ folder: dir.path, home }, key))
  const owned = stack.move()
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
