import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** The variable by which the processes of a sandbox are found again, wherever they went. */
export const PROCESS_MARK = 'NARWHAL_SANDBOX'

/** A tree that still grows after so many rounds is left to the operating system. */
const ROUNDS = 200
/** In so many rounds one after the other no process may be found, for none to be left. */
const CLEAN_ROUNDS = 3
/** A process whose environment stays unknown for so many rounds has none, and so is not ours. */
const PATIENT_ROUNDS = 20
const PAUSE_MS = 2

/**
 * Kills every process of this user whose environment carries the mark with this value, again and again
 * until none is found: a child may be born while its parent is being killed, and a process that is
 * just starting a program has no environment for a moment.
 */
export async function killMarked(value: string): Promise<void> {
  const mark = `${PROCESS_MARK}=${value}`
  let clean = 0
  for (let round = 0; round < ROUNDS && clean < CLEAN_ROUNDS; round++) {
    const { marked, unknown } = await lookAround(mark)
    for (const pid of marked) kill(pid)
    const isClean = marked.length === 0 && (!unknown || round >= PATIENT_ROUNDS)
    clean = isClean ? clean + 1 : 0
    await sleep(PAUSE_MS)
  }
}

async function lookAround(mark: string) {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const states = await Promise.all(pids.map((pid) => stateOf(pid, mark)))
  return {
    marked: pids.filter((_, index) => states[index] === 'marked').map(Number),
    unknown: states.includes('unknown'),
  }
}

/** Of another user's process nothing can be read; a zombie and a kernel thread have no program. */
async function stateOf(pid: string, mark: string): Promise<'marked' | 'unknown' | 'other'> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1')
    if (environment.split('\0').includes(mark)) return 'marked'
    if (environment !== '') return 'other'
    await readlink(`/proc/${pid}/exe`)
    return 'unknown'
  } catch {
    return 'other'
  }
}

/** Kills a process group (negative) or a process; one that is gone is no error. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // ESRCH: it ended by itself. EPERM: it became another user's, which nobody here can mend.
  }
}
