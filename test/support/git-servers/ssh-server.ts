import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'
import { findProgram } from '../services/programs.ts'

const run = promisify(execFile)

export interface SshServer extends AsyncDisposable {
  /** `ssh://user@127.0.0.1:port`. */
  readonly url: string
  /** With it a client uses the key, and knows the server. */
  readonly env: { readonly PATH: string; readonly HOME: string }
}

export interface SshServerOptions {
  /** An existing folder for its files: keys, settings, `home`. */
  readonly folder: string
  /** The server's home, with `.ssh/authorized_keys`; as said there it runs commands. */
  readonly home: string
}

/** What this machine lacks for an ssh server. */
export function missingForSsh(): string | undefined {
  if (!findProgram('sshd')) return 'sshd is not installed (apt: openssh-server)'
  return findProgram('ssh-keygen') ? undefined : 'ssh-keygen is not installed (apt: openssh-client)'
}

/** The key pair of the one client: the private file's path. */
export async function makeKey(path: string): Promise<string> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ada', '-f', path])
  return path
}

/** A real sshd on loopback, for the user that runs the tests and one key. */
export async function startSsh(
  { folder, home }: SshServerOptions,
  key: string,
): Promise<SshServer> {
  const at = (name: string): string => join(folder, name)
  await makeKey(at('host_key'))
  const port = await freePort()
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host_key')}`,
    `AuthorizedKeysFile ${join(home, '.ssh', 'authorized_keys')}`,
    `SetEnv HOME=${home}`,
    'AcceptEnv GIT_PROTOCOL',
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
  ]
  await writeFile(at('sshd_config'), `${settings.join('\n')}\n`)
  // For the process without privileges that meets clients first.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const sshd = findProgram('sshd') ?? 'sshd'
  const child = spawn(sshd, ['-D', '-e', '-f', at('sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const ended = once(child, 'close')
  await eventually(() => log.includes('Server listening'), { message: `sshd: ${log}` })
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    env: { PATH: await clientPath(folder, { port, key }), HOME: home },
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await ended
    },
  }
}

/** Ssh reads its user's settings from the home in the user database, so a program before it names others. */
async function clientPath(
  folder: string,
  { port, key }: { port: number; key: string },
): Promise<string> {
  const at = (name: string): string => join(folder, name)
  const [type, host] = (await readFile(at('host_key.pub'), 'utf8')).split(' ')
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${type} ${host}\n`)
  const settings = [
    `IdentityFile ${key}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    `UserKnownHostsFile ${at('known_hosts')}`,
    'StrictHostKeyChecking yes',
  ]
  await writeFile(at('ssh_config'), `${settings.join('\n')}\n`)
  const bin = at('bin')
  await mkdir(bin)
  const script = `#!/bin/sh\nexec ${findProgram('ssh')} -F ${at('ssh_config')} "$@"\n`
  await writeFile(join(bin, 'ssh'), script)
  await chmod(join(bin, 'ssh'), 0o755)
  return `${bin}:${process.env['PATH']}`
}
