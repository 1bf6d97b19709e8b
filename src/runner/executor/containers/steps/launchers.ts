import { elfProgram } from '../../elf-program.ts'

/**
 * Keeps a step in a container away from the memory and the open files of others that run as the same user:
 * the supervisor with its key, and steps in the background. The kernel lets no process inspect one with a
 * capability that it lacks itself (ptrace(2)). So the supervisor has two extra capabilities; steps are
 * started by a program that drops one of them for good, background steps by one that drops the other.
 *
 * With `no-new-privileges`, what is dropped can't be regained. Without it, root regains at each execution what
 * its bounding set has, so it is dropped from there; and since such a container has the other capabilities for
 * its programs to use, two more serve, which mean nothing in a user namespace.
 *
 * A shell can't drop capabilities, and few images have a program for it, so this is our own: 350 bytes,
 * static. If it can't be run, as on an engine with another processor, steps start without it.
 */

/** A capability by its name for the engine, with its number (capability.h). */
interface Mark {
  readonly name: string
  readonly bit: number
}

/** Of the containers with `no-new-privileges`: both harmless. */
export const KEPT_BY_STEPS: Mark = { name: 'NET_BIND_SERVICE', bit: 10 }
export const KEPT_IN_BACKGROUND: Mark = { name: 'FSETID', bit: 4 }

/** Of containers that gain privileges, in a user namespace: the kernel asks the machine's for both. */
export const KEPT_BY_GAINING_STEPS: Mark = { name: 'LINUX_IMMUTABLE', bit: 9 }
export const KEPT_IN_GAINING_BACKGROUND: Mark = { name: 'IPC_LOCK', bit: 14 }

/** What a launcher drops: the first where it can't be regained, the second where it has to be barred. */
export interface Dropped {
  readonly plain: Mark
  readonly gaining: Mark
}

/** Names of the launchers in a container's control folder. */
export const AS_STEP = 'as-step'
export const AS_BACKGROUND = 'as-background'

/**
 * An ELF program that drops a capability, and then executes the program that its arguments name; undefined if
 * there is none for this processor. Its exit code is 126 if that fails. Which of the two capabilities shows in
 * whether it may change its bounding set: only containers that gain privileges have SETPCAP.
 */
export function launcher(
  { plain, gaining }: Dropped,
  architecture: string = process.arch,
): Uint8Array | undefined {
  if (architecture !== 'x64' && architecture !== 'arm64') return undefined
  const masks = { bit: gaining.bit, plain: without(plain), gaining: without(gaining) }
  return architecture === 'x64' ? elfProgram('x64', x64(masks)) : elfProgram('arm64', arm64(masks))
}

function without({ bit }: Mark): number {
  return ~(1 << bit) >>> 0
}

interface Masks {
  /** To be dropped from the bounding set. */
  readonly bit: number
  readonly plain: number
  readonly gaining: number
}

/** The initial stack as the kernel lays it out: argc, argv, a null, the environment. */
function x64({ bit, plain, gaining }: Masks): Buffer {
  const code = `
    488b1c24              # mov (%rsp), %rbx
    488d6c2408            # lea 8(%rsp), %rbp
    bf18000000            # mov $24, %edi        PR_CAPBSET_DROP
    be${littleEndian(bit)}  # mov $bit, %esi
    31d2                  # xor %edx, %edx
    4531d2                # xor %r10d, %r10d
    4531c0                # xor %r8d, %r8d
    b89d000000            # mov $157, %eax
    0f05                  # syscall              prctl
    41bc${littleEndian(plain)}  # mov $plain, %r12d
    85c0                  # test %eax, %eax
    7506                  # jnz known
    41bc${littleEndian(gaining)}  # mov $gaining, %r12d
    4883ec20              # known: sub $32, %rsp   a header and two times three masks
    48b82205082000000000  # movabs $0x20080522, %rax
    48890424              # mov %rax, (%rsp)     version 3, of oneself
    4889e7                # mov %rsp, %rdi
    488d742408            # lea 8(%rsp), %rsi
    b87d000000            # mov $125, %eax
    0f05                  # syscall              capget
    85c0                  # test %eax, %eax
    7536                  # jnz fail
    4421642408            # and %r12d, 8(%rsp)   effective
    442164240c            # and %r12d, 12(%rsp)  permitted
    4421642410            # and %r12d, 16(%rsp)  inheritable
    4889e7                # mov %rsp, %rdi
    488d742408            # lea 8(%rsp), %rsi
    b87e000000            # mov $126, %eax
    0f05                  # syscall              capset
    85c0                  # test %eax, %eax
    7514                  # jnz fail
    488b7d08              # mov 8(%rbp), %rdi
    488d7508              # lea 8(%rbp), %rsi
    488d54dd08            # lea 8(%rbp,%rbx,8), %rdx
    b83b000000            # mov $59, %eax
    0f05                  # syscall              execve
    bf7e000000            # fail: mov $126, %edi
    b83c000000            # mov $60, %eax
    0f05                  # syscall              exit`
  return Buffer.from(code.replaceAll(/#.*$|\s/gm, ''), 'hex')
}

function arm64({ bit, plain, gaining }: Masks): Buffer {
  const code = [
    0xf94003f3, // ldr x19, [sp]
    0x910023f4, // add x20, sp, #8
    0xd2800300, // mov x0, #24: PR_CAPBSET_DROP
    0xd2800001 + bit * 32, // mov x1, #bit
    0xd2800002, // mov x2, #0
    0xd2800003, // mov x3, #0
    0xd2800004, // mov x4, #0
    0xd28014e8, // mov x8, #167: prctl
    0xd4000001, // svc #0
    0x52800015 + (plain & 0xffff) * 32, // mov w21, #plain
    0x72a00015 + (plain >>> 16) * 32, // movk w21, #plain, lsl #16
    0xb5000060, // cbnz x0, known
    0x52800015 + (gaining & 0xffff) * 32, // mov w21, #gaining
    0x72a00015 + (gaining >>> 16) * 32, // movk w21, #gaining, lsl #16
    0xd10083ff, // known: sub sp, sp, #32
    0x5280a440, // mov w0, #0x522
    0x72a40100, // movk w0, #0x2008, lsl #16
    0xf90003e0, // str x0, [sp]
    0x910003e0, // mov x0, sp
    0x910023e1, // add x1, sp, #8
    0xd2800b48, // mov x8, #90: capget
    0xd4000001, // svc #0
    0xb50002a0, // cbnz x0, fail
    0xb9400be3, // ldr w3, [sp, #8]
    0x0a150063, // and w3, w3, w21
    0xb9000be3, // str w3, [sp, #8]
    0xb9400fe3, // ldr w3, [sp, #12]
    0x0a150063, // and w3, w3, w21
    0xb9000fe3, // str w3, [sp, #12]
    0xb94013e3, // ldr w3, [sp, #16]
    0x0a150063, // and w3, w3, w21
    0xb90013e3, // str w3, [sp, #16]
    0x910003e0, // mov x0, sp
    0x910023e1, // add x1, sp, #8
    0xd2800b68, // mov x8, #91: capset
    0xd4000001, // svc #0
    0xb50000e0, // cbnz x0, fail
    0xf9400680, // ldr x0, [x20, #8]
    0x91002281, // add x1, x20, #8
    0x8b130e82, // add x2, x20, x19, lsl #3
    0x91002042, // add x2, x2, #8
    0xd2801ba8, // mov x8, #221: execve
    0xd4000001, // svc #0
    0xd2800fc0, // fail: mov x0, #126
    0xd2800ba8, // mov x8, #93: exit
    0xd4000001, // svc #0
  ]
  const bytes = Buffer.alloc(code.length * 4)
  for (const [index, word] of code.entries()) bytes.writeUInt32LE(word >>> 0, index * 4)
  return bytes
}

function littleEndian(word: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(word)
  return bytes.toString('hex')
}

export const LAUNCHERS = [
  {
    file: AS_STEP,
    program: launcher({ plain: KEPT_IN_BACKGROUND, gaining: KEPT_IN_GAINING_BACKGROUND }),
  },
  {
    file: AS_BACKGROUND,
    program: launcher({ plain: KEPT_BY_STEPS, gaining: KEPT_BY_GAINING_STEPS }),
  },
] as const
