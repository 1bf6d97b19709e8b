import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { PROGRAM_ENV } from '../../lib/programs/machine-programs.ts'

const run = promisify(execFile)

/** A range of ids that a user may map in user namespaces. */
export interface IdRange {
  readonly first: number
  readonly count: number
}

/** The subordinate ids of an ordinary user. */
export interface SubordinateIds {
  readonly users: IdRange
  readonly groups: IdRange
}

const TIMEOUT_MS = 5_000

/**
 * Finds the largest ranges of a user, by name and by number: `getsubids` knows also those of a directory
 * service, and where it is missing, the files do. Undefined if there are none of either kind.
 */
export async function findSubordinateIds(
  name: string,
  uid: number,
): Promise<SubordinateIds | undefined> {
  const who = [name, String(uid)]
  const [users, groups] = await Promise.all([
    largest(who, [], '/etc/subuid'),
    largest(who, ['-g'], '/etc/subgid'),
  ])
  return users && groups && { users, groups }
}

async function largest(
  who: readonly string[],
  flags: readonly string[],
  file: string,
): Promise<IdRange | undefined> {
  const asked = await Promise.all(who.map((one) => askProgram([...flags, one])))
  const written = await readFile(file, 'utf8').catch(() => '')
  const ranges = [...asked.flatMap(parseAnswer), ...parseSubordinateIds(written, who)]
  return ranges.reduce<IdRange | undefined>(
    (best, range) => (best && best.count >= range.count ? best : range),
    undefined,
  )
}

async function askProgram(args: readonly string[]): Promise<string> {
  const answer = run('getsubids', args, { timeout: TIMEOUT_MS, env: PROGRAM_ENV })
  return (await answer.catch(() => ({ stdout: '' }))).stdout
}

/** Lines of getsubids: `0: name 100000 65536`. */
function parseAnswer(text: string): readonly IdRange[] {
  return [...text.matchAll(/^\d+: \S+ (\d+) (\d+)$/gm)].map(([, first, count]) => ({
    first: Number(first),
    count: Number(count),
  }))
}

/** Lines of /etc/subuid and /etc/subgid: `name:100000:65536`, for one of these names. */
export function parseSubordinateIds(text: string, who: readonly string[]): readonly IdRange[] {
  return [...text.matchAll(/^([^:\s]+):(\d+):(\d+)$/gm)]
    .filter(([, name = '']) => who.includes(name))
    .map(([, , first, count]) => ({ first: Number(first), count: Number(count) }))
}
