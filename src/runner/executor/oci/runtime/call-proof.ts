import type { ElfMachine } from '../../elf-program.ts'
import type { Call } from './call-program.ts'

interface ProvenCall extends Call {
  readonly what: string
  readonly result: number
}

const EPERM = -1
const ENOSYS = -38
const PR_GET_SECCOMP = 21
/** SECCOMP_MODE_FILTER */
const FILTERED = 2
const AF_VSOCK = 40
const CLONE_NEWUSER = 0x10000000

const NUMBERS = {
  x64: { prctl: 157, mount: 165, clone: 56, clone3: 435, socket: 41, getpid: 39 },
  arm64: { prctl: 167, mount: 40, clone: 220, clone3: 435, socket: 198, getpid: 172 },
} as const

/** What shows that a container has our filter: that there is one, and an answer of each kind. */
export function proofCalls(machine: ElfMachine): readonly ProvenCall[] {
  const { prctl, mount, clone, clone3, socket, getpid } = NUMBERS[machine]
  return [
    { what: 'a filter', number: prctl, argument: PR_GET_SECCOMP, result: FILTERED },
    { what: 'a process namespace', number: getpid, result: 1 },
    { what: 'refused mounts', number: mount, result: EPERM },
    { what: 'refused namespaces', number: clone, argument: CLONE_NEWUSER, result: EPERM },
    { what: 'refused sockets', number: socket, argument: AF_VSOCK, result: EPERM },
    { what: 'no clone3', number: clone3, result: ENOSYS },
    { what: 'unknown calls', number: 9_999, result: ENOSYS },
  ]
}

/** What is not as it must be; empty if all is. */
export function proofTrouble(machine: ElfMachine, results: readonly number[]): string {
  const wrong = proofCalls(machine).find(({ result }, index) => results[index] !== result)
  if (!wrong) return ''
  const index = proofCalls(machine).indexOf(wrong)
  const found = results[index] ?? 'nothing'
  return `a container does not have ${wrong.what}: call ${wrong.number} returned ${found} instead of ${wrong.result}`
}
