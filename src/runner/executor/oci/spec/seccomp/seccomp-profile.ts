import { ALLOWED_NAMES, REFUSED_NAMES } from '../../../seccomp/system-calls.ts'
import type { ContainerRights } from '../capabilities.ts'
import type { OciSeccomp, SeccompCondition, SeccompRule } from '../oci-json.ts'
import { BY_CAPABILITY } from './by-capability.ts'
import { MORE_REFUSED, OF_32_BITS, OF_ARM } from './more-names.ts'

export interface ProfileOptions {
  readonly rights: ContainerRights
  /** As Node names it. */
  readonly architecture: string
  /** The kernel's release, such as `6.1.0-13-amd64`. */
  readonly kernel: string
}

const EPERM = 1
const ENOSYS = 38

/** Those whose calls a program may make: its own, and of 32-bit programs. */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
}

/** The first kernel that checks a tracer's filter again after the tracer has changed a call. */
const TRACING_IS_SAFE = [4, 8] as const
const TRACING = ['process_vm_readv', 'process_vm_writev', 'ptrace']

/**
 * Docker's default seccomp profile for a container with these rights; undefined for an architecture that has
 * none. It allows what Docker's does, but its answer to all else is in itself, since the runtimes differ in
 * it: known and refused calls return EPERM, unknown ones ENOSYS, so that newer libraries fall back. A call
 * that libseccomp does not know yet is unknown, too.
 *
 * Strict rights lack `socketcall` of 32-bit x86 programs, whose arguments no filter can examine: it would
 * make the sockets that are refused otherwise. Only very old ones have no other way.
 */
export function seccompProfile(options: ProfileOptions): OciSeccomp | undefined {
  const architectures = ARCHITECTURES[options.architecture]
  if (!architectures) return undefined
  const { capabilities } = options.rights
  const allowed = allowedNames(options)
  const refused = [...REFUSED_NAMES, ...wordsOf(MORE_REFUSED), ...TRACING, 'socketcall']
  const mayMakeNamespaces = capabilities.includes('CAP_SYS_ADMIN')
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures,
    syscalls: [
      { names: [...allowed].sort(), action: 'SCMP_ACT_ALLOW' },
      refuse(refused.filter((name) => !allowed.has(name)).sort()),
      ...(mayMakeNamespaces ? [] : cloneRules()),
      ...socketRules(),
      ...personalityRules(),
    ],
  }
}

function allowedNames({ rights, architecture, kernel }: ProfileOptions): ReadonlySet<string> {
  const all = new Set([...ALLOWED_NAMES, ...wordsOf(OF_32_BITS)])
  if (architecture === 'arm64') for (const name of wordsOf(OF_ARM)) all.add(name)
  if (rights.gainsPrivileges) all.add('socketcall')
  if (isBefore(kernel, TRACING_IS_SAFE)) for (const name of TRACING) all.delete(name)
  for (const capability of rights.capabilities) {
    for (const name of wordsOf(BY_CAPABILITY[capability] ?? '')) all.add(name)
  }
  return all
}

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NAMESPACES = 0x7e020000

/** No new namespaces. The flags of clone3 are in memory, where no filter can see them. */
function cloneRules(): readonly SeccompRule[] {
  return [
    { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [masked(NAMESPACES, 0)] },
    ...bitsOf(NAMESPACES).map((bit) => refuse(['clone'], masked(bit, bit))),
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ]
}

/**
 * Allowed families from AF_DECnet on, in ranges of one, two or four that a mask can express: each rule costs
 * time at every start with a runtime that compiles them. Left out are AF_ALG (38), which was used in attacks,
 * AF_VSOCK (40), which reaches the hypervisor, and obsolete ones, which are unknown then.
 */
const FAMILIES: readonly (readonly [first: number, count: 1 | 2 | 4])[] = [
  ...[13, 18, 21, 22, 24, 35, 36, 39, 41].map((family) => [family, 1] as const),
  ...[14, 16, 26, 32, 42, 44].map((family) => [family, 2] as const),
  [28, 4],
]
const AF_DECNET = 12
const AF_ALG = 38
const AF_VSOCK = 40
const FIRST_UNKNOWN = 46
const ALL_BITS = 0xffffffff

function socketRules(): readonly SeccompRule[] {
  return [
    allow('socket', { index: 0, value: AF_DECNET, op: 'SCMP_CMP_LT' }),
    ...FAMILIES.map(([first, count]) => allow('socket', masked(ALL_BITS - (count - 1), first))),
    ...[AF_ALG, AF_VSOCK].map((family) => refuse(['socket'], masked(ALL_BITS, family))),
    refuse(['socket'], { index: 0, value: FIRST_UNKNOWN, op: 'SCMP_CMP_GE' }),
  ]
}

/** Unchanged, 32-bit addresses (8), an older kernel's version (0x20000); and the query for it. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008]
const PERSONALITY_QUERY = 0xffffffff
/** All that programs know: ADDR_NO_RANDOMIZE to ADDR_LIMIT_3GB. */
const REFUSED_FLAGS = 0x0ffc0000
const HIGHEST_BIT = 0x80000000

/** Rules of different answers must not overlap; the query, of all bits, is told apart by the highest. */
function personalityRules(): readonly SeccompRule[] {
  const allowed = [...PERSONALITIES, PERSONALITY_QUERY]
  return [
    ...allowed.map((value) => allow('personality', equal(value))),
    ...bitsOf(REFUSED_FLAGS).map((bit) => refuse(['personality'], masked(bit + HIGHEST_BIT, bit))),
  ]
}

function allow(name: string, condition: SeccompCondition): SeccompRule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [condition] }
}

function refuse(names: readonly string[], condition?: SeccompCondition): SeccompRule {
  const args = condition ? { args: [condition] } : {}
  return { names, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM, ...args }
}

function equal(value: number): SeccompCondition {
  return { index: 0, value, op: 'SCMP_CMP_EQ' }
}

function masked(mask: number, value: number): SeccompCondition {
  return { index: 0, value: mask, valueTwo: value, op: 'SCMP_CMP_MASKED_EQ' }
}

/** Each a power of two; the mask has at most 31 bits. */
function bitsOf(mask: number): readonly number[] {
  return Array.from({ length: 31 }, (_, index) => 2 ** index).filter((bit) => (mask & bit) !== 0)
}

function isBefore(release: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
  return first < major || (first === major && second < minor)
}

function wordsOf(text: string): readonly string[] {
  return text.trim().split(/\s+/).filter(Boolean)
}
