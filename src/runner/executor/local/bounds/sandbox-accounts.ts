import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxUser } from './sandbox-users.ts'

/** A file of the machine, and the one that replaces it in a sandbox. */
export interface Replacement {
  readonly file: string
  readonly by: string
}

/**
 * Gives the sandbox's user a name: git, ssh and others require one. The machine's own accounts follow. Files
 * that the machine lacks are not replaced.
 */
export async function writeAccounts(
  folder: string,
  { uid, gid }: SandboxUser,
): Promise<readonly Replacement[]> {
  const wanted = [
    { file: '/etc/passwd', line: `narwhal:x:${uid}:${gid}:Narwhal:/home/narwhal:/bin/sh` },
    { file: '/etc/group', line: `narwhal:x:${gid}:` },
  ]
  const written = await Promise.all(
    wanted.map(async ({ file, line }) => {
      const there = await readFile(file, 'utf8').catch(() => undefined)
      if (there === undefined) return []
      const by = join(folder, file.replaceAll('/', '-').slice(1))
      await writeFile(by, `${line}\n${there}`, { mode: 0o644 })
      return [{ file, by }]
    }),
  )
  return written.flat()
}
