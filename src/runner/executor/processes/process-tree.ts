import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import { type ProcessSearch, readStat } from './process-search.ts'

/** A tree that still grows after this many rounds is left to the operating system. */
const ROUNDS = 200
/** Consecutive rounds without a find until no process is assumed to be left. */
const CLEAN_ROUNDS = 3
/** A process whose environment stays unknown for this many rounds has none, and so is not ours. */
const UNKNOWN_ROUNDS = 20
const PAUSE_MS = 2
/** Yields to the event loop after this many processes. */
const TURN = 64
/** How long a tree may take to stop, in milliseconds; longer if a scan is slow. */
const STOP_MS = 2_000
const STOP_ROUNDS = 10

/** A process at one moment. Pids are reused; together with the start time they are unique. */
export interface Process {
  readonly pid: number
  readonly parent: number
  /** In clock ticks since boot. */
  readonly startedAt: string
  /** As in proc(5): `R`, `S`, `T`, … */
  readonly state: string
}

/** The result of scanning all processes for one sandbox. */
interface Tree {
  readonly processes: readonly Process[]
  /** Whether for some process it was not yet clear whether it belongs to the tree. */
  readonly unknown: boolean
}

/**
 * Kills every process of this machine that matches, with all descendants, repeatedly until none is left: a
 * child may be forked while its parent is being killed. Processes that this user may not kill are skipped.
 * Resolves to their number.
 */
export async function killTree(search: ProcessSearch): Promise<number> {
  const killed = new Set<string>()
  let clean = 0
  for (let round = 0; round < ROUNDS && clean < CLEAN_ROUNDS; round++) {
    const { processes, unknown } = await scan(search)
    // A killed zombie is only waiting for its parent.
    const living = processes
      .filter((one) => !('ZX'.includes(one.state) && killed.has(keyOf(one))))
      .filter(({ pid }) => kill(pid))
    for (const one of living) killed.add(keyOf(one))
    const isClean = living.length === 0 && (!unknown || round >= UNKNOWN_ROUNDS)
    clean = isClean ? clean + 1 : 0
    await sleep(PAUSE_MS)
  }
  return killed.size
}

/**
 * Stops a tree of processes, and remembers what it has stopped: only that is resumed, so that what a program
 * has stopped itself stays stopped.
 */
export class TreeStop {
  readonly #search: ProcessSearch
  readonly #stopped = new Map<string, Process>()

  constructor(search: ProcessSearch) {
    this.#search = search
  }

  /**
   * Stops every process of the tree, repeatedly until all are found stopped: a running one may still fork, or
   * resume another. Rejects with `unavailable` if that does not succeed.
   */
  async stop(): Promise<void> {
    const deadline = performance.now() + STOP_MS
    let clean = 0
    for (let round = 0; clean < CLEAN_ROUNDS; round++) {
      if (performance.now() > deadline && round >= STOP_ROUNDS) {
        const words = "a step's processes could not be stopped: they start new ones too quickly"
        throw new NarwhalError('unavailable', words)
      }
      const { processes, unknown } = await scan(this.#search)
      const active = processes.filter((one) => !this.#isAtRest(one))
      for (const one of active) {
        this.#stopped.set(keyOf(one), one)
        signal(one.pid, 'SIGSTOP')
      }
      const isClean = active.length === 0 && (!unknown || round >= UNKNOWN_ROUNDS)
      clean = isClean ? clean + 1 : 0
      await sleep(PAUSE_MS)
    }
  }

  /** Resumes what was stopped and still exists. */
  resume(): void {
    for (const { pid, startedAt } of this.#stopped.values()) {
      if (readProcess(String(pid))?.startedAt === startedAt) signal(pid, 'SIGCONT')
    }
    this.#stopped.clear()
  }

  /**
   * Stopped, or signalled to stop while in a system call (`D`), or while its main thread has ended (`Z`),
   * which says nothing of the others.
   */
  #isAtRest(one: Process): boolean {
    if ('TtX'.includes(one.state)) return true
    return 'DZ'.includes(one.state) && this.#stopped.has(keyOf(one))
  }
}

function keyOf({ pid, startedAt }: Process): string {
  return `${pid}@${startedAt}`
}

/** All matching processes and their descendants; never this one. */
async function scan(search: ProcessSearch): Promise<Tree> {
  const children = new Map<number, Process[]>()
  const tree = new Set<Process>()
  let unknown = false
  for (const [index, pid] of listPids().entries()) {
    // Synchronous reads are many times faster, but must yield to the event loop now and then.
    if (index % TURN === TURN - 1) await nextTurn()
    const one = readProcess(pid)
    if (!one || one.pid === process.pid) continue
    const siblings = children.get(one.parent)
    if (siblings) siblings.push(one)
    else children.set(one.parent, [one])
    const found = search(pid)
    if (found === 'ours') tree.add(one)
    unknown ||= found === 'unknown'
  }
  for (const one of tree) for (const child of children.get(one.pid) ?? []) tree.add(child)
  return { processes: [...tree], unknown }
}

function listPids(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function readProcess(pid: string): Process | undefined {
  const fields = readStat(pid)
  const [state, parent] = fields
  const startedAt = fields[19]
  if (state === undefined || parent === undefined || startedAt === undefined) return undefined
  return { pid: Number(pid), parent: Number(parent), startedAt, state }
}

/**
 * Kills a process or a process group (negative), or sends it another signal. Returns whether it existed; one
 * that is gone, or that now belongs to another user, is not an error.
 */
export function kill(pid: number, name: NodeJS.Signals = 'SIGKILL'): boolean {
  return signal(pid, name)
}

/** Sends SIGTERM to all descendants of a process, but not to the process itself. */
export async function terminateBelow(pid: number): Promise<void> {
  for (const one of await listBelow(pid)) signal(one.pid, 'SIGTERM')
}

/** All descendants of a process. */
export async function listBelow(pid: number): Promise<readonly Process[]> {
  const { processes } = await scan((one) => (one === String(pid) ? 'ours' : 'other'))
  return processes.filter((one) => one.pid !== pid)
}

/** All processes in this group, and their descendants. */
export async function listGroup(group: number): Promise<readonly Process[]> {
  const isIn = (pid: string) => readStat(pid)[GROUP] === String(group)
  return (await scan((pid) => (isIn(pid) ? 'ours' : 'other'))).processes
}

/** Of the process group in the fields of `stat`. */
const GROUP = 2

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
