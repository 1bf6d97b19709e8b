import { readdir, readFile } from 'node:fs/promises'

/** The pids of all processes on this machine, also in containers, with `text` in their command line. */
export async function findProcesses(text: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return command.split('\0').includes(text)
    }),
  )
  return pids.filter((_, index) => found[index])
}
