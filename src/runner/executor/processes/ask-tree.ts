import { setTimeout as sleep } from 'node:timers/promises'
import { roundsMs } from '../last-moment.ts'
import { readProcessFile } from './process-search.ts'
import { kill, type Process } from './process-tree.ts'

/** A tree that still grows after this many looks is asked as far as it was seen. */
export const MOST_LOOKS = 10

/**
 * Asks processes to end until the signal aborts; `find` lists those that there are. Never rejects.
 *
 * Each gets SIGTERM once. One that does not handle it, and has children, would end before them, and what it leaves
 * would be killed in the middle of cleaning up: it is kept stopped, so that it starts nothing more, until its
 * children have ended. What a process starts after it was asked is its own cleanup, and is not asked; to know what
 * is, all of them are stopped for the moment before.
 */
export async function askTree(
  find: () => Promise<readonly Process[]>,
  over: AbortSignal,
): Promise<void> {
  const list = async (): Promise<readonly Process[]> => {
    const found = await find().catch(() => [])
    return over.aborted ? [] : found.filter(({ state }) => !'ZX'.includes(state))
  }
  const tree = new AskedTree()
  let living: readonly Process[] = []
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    living = await list()
    if (!tree.stop(living)) break
  }
  tree.ask(living)
  for (const ms of roundsMs()) {
    await sleep(ms, undefined, { signal: over }).catch(() => {})
    if (over.aborted) return
    tree.release(await list())
  }
}

class AskedTree {
  /** Those that handle it, with what they execute. */
  readonly #handling = new Map<number, string>()
  readonly #ending = new Set<number>()
  readonly #ignoring = new Set<number>()
  /** Those that are kept stopped while they have children. */
  #held = new Set<number>()

  /** Stops those that are new; returns whether there were any. */
  stop(living: readonly Process[]): boolean {
    const known = [this.#handling, this.#ending, this.#ignoring]
    const fresh = living.filter(({ pid }) => !known.some((some) => some.has(pid)))
    for (const { pid } of fresh) {
      const how = onTerm(pid)
      if (how === 'handles') this.#handling.set(pid, commandOf(pid))
      else if (how === 'ends') this.#ending.add(pid)
      else this.#ignoring.add(pid)
      if (how !== 'ignores') kill(pid, 'SIGSTOP')
    }
    return fresh.length > 0
  }

  ask(living: readonly Process[]): void {
    const parents = parentsOf(living)
    this.#held = new Set([...this.#ending].filter((pid) => parents.has(pid)))
    // With `set -e`, a shell whose child fails would end before its trap: those that handle it come first.
    const asked = [...this.#handling.keys(), ...this.#ending].filter((pid) => !this.#held.has(pid))
    for (const pid of asked) kill(pid, 'SIGTERM')
    for (const pid of asked) kill(pid, 'SIGCONT')
  }

  /** Ends those that have no children any more, and continues what has stopped itself, as sudo does. */
  release(living: readonly Process[]): void {
    const parents = parentsOf(living)
    const held = living.filter(({ pid }) => this.#held.has(pid))
    const holders = parentsOf(held.filter(({ pid }) => parents.has(pid)))
    for (const { pid } of held) {
      if (parents.has(pid)) continue
      kill(pid, 'SIGTERM')
      kill(pid, 'SIGCONT')
    }
    for (const { pid, state } of living) {
      const command = this.#handling.get(pid)
      if (command === undefined) continue
      if (commandOf(pid) !== command && onTerm(pid) === 'ends') {
        // It was a copy of its parent, about to execute another program, which has never got the signal.
        this.#handling.delete(pid)
        kill(pid, 'SIGTERM')
      }
      if (state === 'T' && !holders.has(pid)) kill(pid, 'SIGCONT')
    }
  }
}

function parentsOf(some: readonly Process[]): ReadonlySet<number> {
  return new Set(some.map(({ parent }) => parent))
}

function commandOf(pid: number): string {
  return readProcessFile(String(pid), 'cmdline')
}

type OnTerm = 'handles' | 'ignores' | 'ends'

/** The bit of SIGTERM in the masks of /proc/PID/status. */
const TERM_BIT = 1 << 14

/** What a process does on SIGTERM; one that blocks it waits for it in another way. */
function onTerm(pid: number): OnTerm {
  const status = readProcessFile(String(pid), 'status')
  const has = (mask: string): boolean => {
    const [, bits = '0'] = new RegExp(`^${mask}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? []
    return (Number.parseInt(bits.slice(-8), 16) & TERM_BIT) !== 0
  }
  if (has('SigCgt') || has('SigBlk')) return 'handles'
  // The first of a namespace: a signal that it doesn't handle has no effect on it, but SIGSTOP would from outside.
  const isFirst = /^NSpid:.*\s1$/m.test(status)
  return has('SigIgn') || isFirst ? 'ignores' : 'ends'
}
