import { readdirSync, readFileSync } from 'node:fs'

const EVERY_MS = 100
const PAGE_BYTES = 4096
const TICKS_PER_SECOND = 100

/**
 * Watches the resident memory of a process and those that it had started before; what it starts
 * later (the steps themselves) is not counted.
 */
export class MemoryWatch implements Disposable {
  readonly #sizes = new Map<number, { readonly first: number; most: number }>()
  readonly #timer: NodeJS.Timeout

  constructor(pid: number) {
    for (const one of familyOf(pid)) {
      const bytes = residentBytes(one)
      if (bytes > 0) this.#sizes.set(one, { first: bytes, most: bytes })
    }
    this.#timer = setInterval(() => this.#look(), EVERY_MS)
  }

  /** By how many bytes the process grew that grew most. */
  get growth(): number {
    return Math.max(...Array.from(this.#sizes.values(), ({ first, most }) => most - first))
  }

  /** The most that one of them took. */
  get most(): number {
    return Math.max(...Array.from(this.#sizes.values(), ({ most }) => most))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    for (const [pid, size] of this.#sizes) size.most = Math.max(size.most, residentBytes(pid))
  }
}

/** 0 of one that has ended. */
function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}

/** Seconds of processor time that a process has used so far. */
export function cpuSeconds(pid: number): number {
  return secondsIn(`/proc/${pid}/stat`)
}

/** The same of its first thread alone: of Node, the one that runs the event loop. */
export function loopSeconds(pid: number): number {
  return secondsIn(`/proc/${pid}/task/${pid}/stat`)
}

function secondsIn(path: string): number {
  const stat = readFileSync(path, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function familyOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      parents.set(Number(name), Number(fields[1]))
    } catch {
      // It has ended meanwhile.
    }
  }
  const family = [root]
  for (let grown = true; grown; ) {
    const children = [...parents].filter(
      ([pid, parent]) => family.includes(parent) && !family.includes(pid),
    )
    family.push(...children.map(([pid]) => pid))
    grown = children.length > 0
  }
  return family
}
