import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import { type ProcessSearch, readStat } from './process-search.ts'

/** A tree that still grows after so many rounds is left to the operating system. */
const ROUNDS = 200
/** In so many rounds one after the other no process may be found, for none to be left. */
const CLEAN_ROUNDS = 3
/** A process whose environment stays unknown for so many rounds has none, and so is not ours. */
const PATIENT_ROUNDS = 20
const PAUSE_MS = 2
/** After so many processes others have their turn. */
const TURN = 64
/** How long a tree may take to come to rest, in milliseconds; longer where a look takes its time. */
const STOP_MS = 2_000
const STOP_ROUNDS = 10

/** A process at one moment. Its number is used again one day; with the time of its start it is unique. */
interface Process {
  readonly pid: number
  readonly parent: number
  /** In clock ticks since the machine's start. */
  readonly startedAt: string
  /** As in proc(5): `R`, `S`, `T`, … */
  readonly state: string
}

/** What a look at all processes found of one sandbox. */
interface Tree {
  readonly processes: readonly Process[]
  /** Whether there was a process of which one can't say yet whether it belongs to the tree. */
  readonly unknown: boolean
}

/**
 * Kills every process of this machine that is found and all that come from one, again and again until
 * none is left: a child may be born while its parent is being killed. What this user may not kill is
 * left alone. Resolves to how many there were.
 */
export async function killTree(search: ProcessSearch): Promise<number> {
  const killed = new Set<string>()
  let clean = 0
  for (let round = 0; round < ROUNDS && clean < CLEAN_ROUNDS; round++) {
    const { processes, unknown } = await lookAround(search)
    // A zombie that was killed only waits for its parent to notice.
    const living = processes
      .filter((one) => !('ZX'.includes(one.state) && killed.has(keyOf(one))))
      .filter(({ pid }) => kill(pid))
    for (const one of living) killed.add(keyOf(one))
    const isClean = living.length === 0 && (!unknown || round >= PATIENT_ROUNDS)
    clean = isClean ? clean + 1 : 0
    await sleep(PAUSE_MS)
  }
  return killed.size
}

/**
 * The stopping of a tree of processes, and what it has stopped: only that is let go on, so that what
 * a program stopped itself stays so.
 */
export class TreeStop {
  readonly #search: ProcessSearch
  readonly #stopped = new Map<string, Process>()

  constructor(search: ProcessSearch) {
    this.#search = search
  }

  /**
   * Stops every process of the tree, again and again until all are found at rest: one that runs may
   * still make others, or let go on what was stopped. Rejects with `unavailable` when they don't come to rest.
   */
  async stop(): Promise<void> {
    const deadline = performance.now() + STOP_MS
    let clean = 0
    for (let round = 0; clean < CLEAN_ROUNDS; round++) {
      if (performance.now() > deadline && round >= STOP_ROUNDS) {
        const words = 'the processes of a step could not be stopped: they start others too quickly'
        throw new NarwhalError('unavailable', words)
      }
      const { processes, unknown } = await lookAround(this.#search)
      const active = processes.filter((one) => !this.#isAtRest(one))
      for (const one of active) {
        this.#stopped.set(keyOf(one), one)
        signal(one.pid, 'SIGSTOP')
      }
      const isClean = active.length === 0 && (!unknown || round >= PATIENT_ROUNDS)
      clean = isClean ? clean + 1 : 0
      await sleep(PAUSE_MS)
    }
  }

  /** Lets go on what was stopped and is still there. */
  resume(): void {
    for (const { pid, startedAt } of this.#stopped.values()) {
      if (readProcess(String(pid))?.startedAt === startedAt) signal(pid, 'SIGCONT')
    }
    this.#stopped.clear()
  }

  /**
   * Stopped, or told to stop where only the kernel is at work for it (`D`), or where its first thread
   * has ended (`Z`), which says nothing of the others.
   */
  #isAtRest(one: Process): boolean {
    if ('TtX'.includes(one.state)) return true
    return 'DZ'.includes(one.state) && this.#stopped.has(keyOf(one))
  }
}

function keyOf({ pid, startedAt }: Process): string {
  return `${pid}@${startedAt}`
}

/** All processes that are found, and their descendants; never this one. */
async function lookAround(search: ProcessSearch): Promise<Tree> {
  const children = new Map<number, Process[]>()
  const tree = new Set<Process>()
  let unknown = false
  for (const [index, pid] of listPids().entries()) {
    // Reading without waiting is many times faster, but others must have their turn.
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
  // Grows while it is walked.
  for (const one of tree) for (const child of children.get(one.pid) ?? []) tree.add(child)
  return { processes: [...tree], unknown }
}

function listPids(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

/** `undefined` when it is gone. */
function readProcess(pid: string): Process | undefined {
  const fields = readStat(pid)
  const [state, parent] = fields
  const startedAt = fields[19]
  if (state === undefined || parent === undefined || startedAt === undefined) return undefined
  return { pid: Number(pid), parent: Number(parent), startedAt, state }
}

/**
 * Kills a process group (negative) or a process, or sends it another signal. Says whether there was one; one that is gone is no error,
 * and one that became another user's nobody here can kill.
 */
export function kill(pid: number, name: NodeJS.Signals = 'SIGKILL'): boolean {
  return signal(pid, name)
}

/** Asks all that come from a process to end, and not the process itself. */
export async function terminateBelow(pid: number): Promise<void> {
  const { processes } = await lookAround((one) => (one === String(pid) ? 'ours' : 'other'))
  for (const one of processes) if (one.pid !== pid) signal(one.pid, 'SIGTERM')
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
