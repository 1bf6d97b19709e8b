import { assemble, giveBack, ifAnyBit, ifAtLeast, ifEqual, load, type Program } from './bpf.ts'
import { type FilterArchitecture, systemCallsOf } from './system-calls.ts'

/** Offsets in `struct seccomp_data`: the call's number, the architecture, the low half of argument 0. */
const NUMBER = 0
const ARCHITECTURE = 4
const FIRST_ARGUMENT = 16

const AUDIT_ARCH: Readonly<Record<FilterArchitecture, number>> = {
  x64: 0xc000003e,
  arm64: 0xc00000b7,
}

const ALLOW = giveBack(0x7fff0000)
const KILL_PROCESS = giveBack(0x80000000)
const ERRNO = 0x00050000
const REFUSE = giveBack(ERRNO | 1)
/** Libraries take it as "not supported by this kernel", and fall back to the older call. */
const UNKNOWN = giveBack(ERRNO | 38)

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NAMESPACES = 0x7e020000
const AF_VSOCK = 40
/** Unchanged, 32-bit addresses, or an older kernel's behaviour; and the query for it. */
const PERSONALITIES = [0, 0x0008, 0x20000, 0x20008, 0xffffffff]

/**
 * The filter for a job's system calls in bubblewrap's format (`--seccomp`), for the runner's own
 * architecture; undefined if there is none.
 *
 * - Calls of another architecture, such as those of 32-bit programs, kill the process (SIGSYS): their numbers
 *   have other meanings.
 * - Known and refused ones return EPERM, unknown ones ENOSYS, so that newer libraries fall back. So does
 *   clone3, whose flags can't be examined.
 */
export function seccompFilter(architecture: string = process.arch): Uint8Array | undefined {
  if (architecture !== 'x64' && architecture !== 'arm64') return undefined
  return assemble([
    ...load(ARCHITECTURE),
    ...ifEqual(AUDIT_ARCH[architecture], [], KILL_PROCESS),
    ...load(NUMBER),
    ...decide(answersOf(architecture)),
  ])
}

/** Applies from this number on, up to the next answer. */
interface Answer {
  readonly from: number
  readonly program: Program
}

function answersOf(architecture: FilterArchitecture): readonly Answer[] {
  const { allowed, refused, checked } = systemCallsOf(architecture)
  const answers = new Map<number, Program>()
  for (const number of allowed) answers.set(number, ALLOW)
  for (const number of refused) answers.set(number, REFUSE)
  answers.set(checked.clone, [...load(FIRST_ARGUMENT), ...ifAnyBit(NAMESPACES, REFUSE, ALLOW)])
  answers.set(checked.clone3, UNKNOWN)
  answers.set(checked.socket, [...load(FIRST_ARGUMENT), ...ifEqual(AF_VSOCK, REFUSE, ALLOW)])
  answers.set(checked.personality, [...load(FIRST_ARGUMENT), ...oneOf(PERSONALITIES)])
  return runsOf(answers)
}

function oneOf(values: readonly number[]): Program {
  return values.reduceRight((otherwise, value) => ifEqual(value, ALLOW, otherwise), REFUSE)
}

/** Merges adjacent numbers with the same answer. Those without one are unknown, x32 calls among them. */
function runsOf(answers: ReadonlyMap<number, Program>): readonly Answer[] {
  const last = Math.max(...answers.keys())
  const runs: Answer[] = []
  for (let from = 0; from <= last + 1; from++) {
    const program = answers.get(from) ?? UNKNOWN
    if (runs.at(-1)?.program !== program) runs.push({ from, program })
  }
  return runs
}

/** A binary search over the runs: a call takes about seven comparisons. */
function decide(runs: readonly Answer[]): Program {
  const [only] = runs
  if (runs.length <= 1) return only?.program ?? UNKNOWN
  const middle = runs.length >> 1
  const upper = runs.slice(middle)
  return ifAtLeast(upper[0]?.from ?? 0, decide(upper), decide(runs.slice(0, middle)))
}
