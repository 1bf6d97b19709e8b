import { NarwhalError } from '../../../../lib/errors.ts'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import { runToEnd } from '../../../../lib/programs/run-program.ts'

/** There may be millions of them. */
const LONGEST_MS = 30 * 60_000
const MOST_SAID = 64 * 1024

/** Gives all files of a folder to a user and the group with the same id; links themselves, not what they lead to. */
export async function giveFiles(folder: string, id: number): Promise<void> {
  const command = ['chown', '-R', '-h', `${id}:${id}`, '--', folder] as const
  const limits = { env: PROGRAM_ENV, timeoutMs: LONGEST_MS, maxBytes: MOST_SAID }
  const { code, trouble, stderr } = await runToEnd(command, limits)
  if (code === 0 && !trouble) return
  const said = stderr.trim().split('\n')[0] || (trouble ?? `chown ended with ${code}`)
  throw new NarwhalError('unavailable', `the files in ${folder} can't be given to ${id}: ${said}`)
}
