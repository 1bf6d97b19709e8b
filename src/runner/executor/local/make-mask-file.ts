import { chmod, writeFile } from 'node:fs/promises'

/** Makes a new, empty file that everybody can write to and the runner alone can read. */
export async function makeMaskFile(path: string): Promise<void> {
  await writeFile(path, '', { flag: 'wx', mode: 0o600 })
  // Not at once: the mode would lose what the umask of this process takes.
  await chmod(path, 0o622)
}
