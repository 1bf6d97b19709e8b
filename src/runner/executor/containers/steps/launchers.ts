import { elfProgram } from '../../elf-program.ts'

/**
 * Keeps a step in a container away from the memory and the open files of others that run as the same user:
 * the supervisor with its key, and steps in the background. The kernel lets no process inspect one with a
 * capability that it lacks itself (ptrace(2)). So the supervisor has two extra capabilities; steps are
 * started by a program that drops one of them for good (the container has `no-new-privileges`), background
 * steps by one that drops the other.
 *
 * A shell can't drop capabilities, and few images have a program for it, so this is our own: 300 bytes,
 * static. If it can't be run, as on an engine with another processor, steps start without it.
 */

/** By their names for the engine, with their numbers (capability.h): both harmless. */
export const KEPT_BY_STEPS = { name: 'NET_BIND_SERVICE', bit: 10 } as const
export const KEPT_IN_BACKGROUND = { name: 'FSETID', bit: 4 } as const

/** Names of the launchers in a container's control folder. */
export const AS_STEP = 'as-step'
export const AS_BACKGROUND = 'as-background'

/**
 * An ELF program that drops this capability, and then executes the program that its arguments name; undefined
 * if there is none for this processor. Its exit code is 126 if that fails.
 */
export function launcher(bit: number, architecture: string = process.arch): Uint8Array | undefined {
  if (architecture !== 'x64' && architecture !== 'arm64') return undefined
  const mask = ~(1 << bit) >>> 0
  return architecture === 'x64' ? elfProgram('x64', x64(mask)) : elfProgram('arm64', arm64(mask))
}

/** The initial stack as the kernel lays it out: argc, argv, a null, the environment. */
function x64(mask: number): Buffer {
  const code = `
    488b1c24              # mov (%rsp), %rbx
    488d6c2408            # lea 8(%rsp), %rbp
    4883ec20              # sub $32, %rsp        a header and two times three masks
    48b82205082000000000  # movabs $0x20080522, %rax
    48890424              # mov %rax, (%rsp)     version 3, of oneself
    4889e7                # mov %rsp, %rdi
    488d742408            # lea 8(%rsp), %rsi
    b87d000000            # mov $125, %eax
    0f05                  # syscall              capget
    85c0                  # test %eax, %eax
    7538                  # jnz fail
    b8${littleEndian(mask)}  # mov $mask, %eax
    21442408              # and %eax, 8(%rsp)    effective
    2144240c              # and %eax, 12(%rsp)   permitted
    21442410              # and %eax, 16(%rsp)   inheritable
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

function arm64(mask: number): Buffer {
  const code = [
    0xf94003f3, // ldr x19, [sp]
    0x910023f4, // add x20, sp, #8
    0xd10083ff, // sub sp, sp, #32
    0x5280a440, // mov w0, #0x522
    0x72a40100, // movk w0, #0x2008, lsl #16
    0xf90003e0, // str x0, [sp]
    0x910003e0, // mov x0, sp
    0x910023e1, // add x1, sp, #8
    0xd2800b48, // mov x8, #90: capget
    0xd4000001, // svc #0
    0xb50002e0, // cbnz x0, fail
    0x52800002 + (mask & 0xffff) * 32, // mov w2, #mask
    0x72a00002 + (mask >>> 16) * 32, // movk w2, #mask, lsl #16
    0xb9400be3, // ldr w3, [sp, #8]
    0x0a020063, // and w3, w3, w2
    0xb9000be3, // str w3, [sp, #8]
    0xb9400fe3, // ldr w3, [sp, #12]
    0x0a020063, // and w3, w3, w2
    0xb9000fe3, // str w3, [sp, #12]
    0xb94013e3, // ldr w3, [sp, #16]
    0x0a020063, // and w3, w3, w2
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
  { file: AS_STEP, program: launcher(KEPT_IN_BACKGROUND.bit) },
  { file: AS_BACKGROUND, program: launcher(KEPT_BY_STEPS.bit) },
] as const
