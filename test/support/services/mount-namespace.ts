import { readdir, readlink } from 'node:fs/promises'

/** Identifies the mount namespace of a process; undefined if it is gone, or has this process's own. */
export async function mountsOf(pid: number): Promise<string | undefined> {
  const [own, its] = await Promise.all([namespaceOf('self'), namespaceOf(String(pid))])
  return its === own ? undefined : its
}

/** More than any tree of processes is deep. */
const MOST_ROUNDS = 100

/** Kills every process in it: an engine leaves monitors of its containers, which live for minutes. */
export async function killAllIn(namespace: string): Promise<void> {
  // A process that was examined already may have forked.
  for (let round = 0; round < MOST_ROUNDS && (await killRound(namespace)) > 0; round++);
}

async function killRound(namespace: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  let found = 0
  for (const pid of pids) {
    if ((await namespaceOf(pid)) !== namespace) continue
    found++
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
  return found
}

function namespaceOf(pid: string): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/mnt`).catch(() => undefined)
}
