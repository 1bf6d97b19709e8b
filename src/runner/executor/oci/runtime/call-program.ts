import { type ElfMachine, elfProgram } from '../../elf-program.ts'

/** A system call to try, with one argument; the others are 0. */
export interface Call {
  readonly number: number
  readonly argument?: number
  /** As a 32-bit x86 program makes it. x64 only. */
  readonly as32?: true
}

/** Bytes that the program writes for each call: its result, little-endian, negative for an error. */
export const RESULT_BYTES = 8

const NATIVE = 0
const OF_32_BITS = 1
const NO_MORE = 2

/**
 * A program that makes these calls, writes the result of each to its standard output, and ends with its
 * standard input. Images have no such program, and a shell can't make calls by number.
 */
export function callProgram(machine: ElfMachine, calls: readonly Call[]): Uint8Array {
  const table = [...calls.map(entryOf), entry(NO_MORE, 0, 0)]
  return elfProgram(machine, Buffer.concat([machine === 'x64' ? X64 : ARM64, ...table]))
}

/** The results in the program's output. */
export function resultsIn(output: Buffer): readonly number[] {
  const count = Math.floor(output.length / RESULT_BYTES)
  return Array.from({ length: count }, (_, index) =>
    Number(output.readBigInt64LE(index * RESULT_BYTES)),
  )
}

function entryOf({ number, argument = 0, as32 }: Call): Buffer {
  return entry(as32 ? OF_32_BITS : NATIVE, number, argument)
}

function entry(kind: number, number: number, argument: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(kind, 0)
  bytes.writeUInt32LE(number, 4)
  bytes.writeBigUInt64LE(BigInt(argument), 8)
  return bytes
}

const X64 = fromHex(`
  488d1d69000000  # lea table(%rip), %rbx
  448b23          # next: mov (%rbx), %r12d
  8b4304          # mov 4(%rbx), %eax
  488b7b08        # mov 8(%rbx), %rdi
  31f6            # xor %esi, %esi
  31d2            # xor %edx, %edx
  4531d2          # xor %r10d, %r10d
  4531c0          # xor %r8d, %r8d
  4531c9          # xor %r9d, %r9d
  4183fc01        # cmp $1, %r12d
  7406            # je old
  7732            # ja end
  0f05            # syscall
  eb12            # jmp tell
  4989dd          # old: mov %rbx, %r13
  89fb            # mov %edi, %ebx
  31c9            # xor %ecx, %ecx
  31ff            # xor %edi, %edi
  31ed            # xor %ebp, %ebp
  cd80            # int $0x80
  4c89eb          # mov %r13, %rbx
  4898            # cdqe
  50              # tell: push %rax
  bf01000000      # mov $1, %edi
  4889e6          # mov %rsp, %rsi
  ba08000000      # mov $8, %edx
  b801000000      # mov $1, %eax
  0f05            # syscall           write
  58              # pop %rax
  4883c310        # add $16, %rbx
  ebaf            # jmp next
  50              # end: push %rax
  31ff            # xor %edi, %edi
  4889e6          # mov %rsp, %rsi
  ba01000000      # mov $1, %edx
  31c0            # xor %eax, %eax
  0f05            # syscall           read
  31ff            # xor %edi, %edi
  b83c000000      # mov $60, %eax
  0f05            # syscall           exit
`)

const ARM64 = fromHex(`
  d3030010  # adr x19, table
  740240b9  # next: ldr w20, [x19]
  9f0a0071  # cmp w20, #2
  40020054  # b.eq end
  680640b9  # ldr w8, [x19, #4]
  600640f9  # ldr x0, [x19, #8]
  010080d2  # mov x1, #0
  020080d2  # mov x2, #0
  030080d2  # mov x3, #0
  040080d2  # mov x4, #0
  050080d2  # mov x5, #0
  010000d4  # svc #0
  e00f1ff8  # str x0, [sp, #-16]!
  200080d2  # mov x0, #1
  e1030091  # mov x1, sp
  020180d2  # mov x2, #8
  080880d2  # mov x8, #64: write
  010000d4  # svc #0
  ff430091  # add sp, sp, #16
  73420091  # add x19, x19, #16
  edffff17  # b next
  ff4300d1  # end: sub sp, sp, #16
  000080d2  # mov x0, #0
  e1030091  # mov x1, sp
  220080d2  # mov x2, #1
  e80780d2  # mov x8, #63: read
  010000d4  # svc #0
  000080d2  # mov x0, #0
  a80b80d2  # mov x8, #93: exit
  010000d4  # svc #0
`)

function fromHex(code: string): Buffer {
  return Buffer.from(code.replaceAll(/#.*$|\s/gm, ''), 'hex')
}
