import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exists } from '../exists.ts'
import type { SshIdentity } from './git-credentials.ts'

/** A file system in memory, where there is one: a key in it never reaches a disk. */
const IN_MEMORY = '/dev/shm'
const PREFIX = 'narwhal-ssh-'

/** Options with which ssh uses an identity. Disposing deletes its files. */
export interface OpenIdentity extends AsyncDisposable {
  readonly options: readonly string[]
}

/**
 * Makes files of a key and of what the host must show, for this user alone: ssh reads both from files only. Keys of
 * the user and of an agent are not tried, so that a repository's key is for that repository.
 */
export async function openIdentity({ privateKey, knownHosts }: SshIdentity): Promise<OpenIdentity> {
  const parent = (await exists(IN_MEMORY)) ? IN_MEMORY : tmpdir()
  await removeLeftBehind(parent)
  const folder = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const key = join(folder, 'key')
    const hosts = join(folder, 'known_hosts')
    await writeFile(key, privateKey, { mode: 0o600, flag: 'wx' })
    await writeFile(hosts, knownHosts, { mode: 0o600, flag: 'wx' })
    const pinned = [
      `-oUserKnownHostsFile=${hosts}`,
      '-oGlobalKnownHostsFile=/dev/null',
      '-oStrictHostKeyChecking=yes',
      '-oUpdateHostKeys=no',
    ]
    const options = ['-oIdentitiesOnly=yes', '-oIdentityAgent=none', `-oIdentityFile=${key}`]
    return {
      options: [...options, ...(knownHosts.trim() === '' ? [] : pinned)],
      [Symbol.asyncDispose]: remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Of processes that were killed; those of other users can't be removed, and stay. */
async function removeLeftBehind(parent: string): Promise<void> {
  const names = await readdir(parent)
  for (const name of names) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || (await exists(`/proc/${pid}`))) continue
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined)
  }
}
