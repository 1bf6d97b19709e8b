import { readdir, readFile } from 'node:fs/promises'

/** What a process and all that it has started take. */
export interface TreeUse {
  /** Resident, in MB of 1,000,000 bytes: of the process itself, and what of that is its own and no file. */
  readonly residentMb: number
  readonly ownMb: number
  /** Of the processes below it, counted by their share of what they have in common with others. */
  readonly othersMb: number
  /** Processor time of the whole tree since its start, in seconds, including processes that have ended. */
  readonly processorS: number
}

export async function readTreeUse(pid: number): Promise<TreeUse> {
  const tree = await listTree(pid)
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  let others = 0
  for (const one of tree) if (one.pid !== pid) others += await shareOf(one.pid)
  return {
    residentMb: mbOf(status, 'VmRSS'),
    ownMb: mbOf(status, 'RssAnon'),
    othersMb: others,
    processorS: tree.reduce((sum, { ticks }) => sum + ticks, 0) / 100,
  }
}

interface OneProcess {
  readonly pid: number
  readonly parent: number
  /** Hundredths of a second, with those of its children that have ended. */
  readonly ticks: number
}

async function listTree(root: number): Promise<OneProcess[]> {
  const all: OneProcess[] = []
  for (const name of await readdir('/proc')) {
    // One that has just ended has no files any more.
    if (/^\d+$/.test(name)) all.push(...(await readProcess(Number(name)).catch(() => [])))
  }
  const tree = all.filter(({ pid }) => pid === root)
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid))
  return tree
}

/** proc(5): field 4 of `stat` is the parent; 14 to 17 are the times, in user and system mode. */
async function readProcess(pid: number): Promise<[OneProcess]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return [{ pid, parent: Number(fields[1]), ticks }]
}

async function shareOf(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return mbOf(rollup, 'Pss')
}

/** The files of proc(5) count in KiB. */
function mbOf(text: string, field: string): number {
  const kib = Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return (kib * 1024) / 1e6
}
