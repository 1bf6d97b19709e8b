import { chmod, writeFile } from 'node:fs/promises'

/** Creates a new, empty file that everybody can write to and only the runner can read. */
export async function makeMaskFile(path: string): Promise<void> {
  await writeFile(path, '', { flag: 'wx', mode: 0o600 })
  // Separately: at creation, this process's umask would be applied to the mode.
  await chmod(path, 0o622)
}
