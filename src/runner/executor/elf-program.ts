const HEADER = 64
const SEGMENT = 56
const LOAD = 1
const STACK = 0x6474e551
const READ = 4
const WRITE = 2
const RUN = 1
const PLACE = 0x400000n

export type ElfMachine = keyof typeof MACHINES
const MACHINES = { x64: 0x3e, arm64: 0xb7 } as const

/**
 * A static ELF program of this machine code, which begins with its first instruction: one segment that maps
 * the whole file, read-only, and a stack that isn't executable.
 */
export function elfProgram(machine: ElfMachine, code: Uint8Array): Uint8Array {
  const start = HEADER + 2 * SEGMENT
  const file = Buffer.alloc(start)
  file.write('\x7fELF\x02\x01\x01', 'latin1')
  file.writeUInt16LE(2, 16)
  file.writeUInt16LE(MACHINES[machine], 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(PLACE + BigInt(start), 24)
  file.writeBigUInt64LE(BigInt(HEADER), 32)
  file.writeUInt16LE(HEADER, 52)
  file.writeUInt16LE(SEGMENT, 54)
  file.writeUInt16LE(2, 56)
  file.writeUInt32LE(LOAD, HEADER)
  file.writeUInt32LE(READ | RUN, HEADER + 4)
  file.writeBigUInt64LE(PLACE, HEADER + 16)
  file.writeBigUInt64LE(PLACE, HEADER + 24)
  file.writeBigUInt64LE(BigInt(start + code.length), HEADER + 32)
  file.writeBigUInt64LE(BigInt(start + code.length), HEADER + 40)
  file.writeBigUInt64LE(0x10000n, HEADER + 48)
  file.writeUInt32LE(STACK, HEADER + SEGMENT)
  file.writeUInt32LE(READ | WRITE, HEADER + SEGMENT + 4)
  return Buffer.concat([file, code])
}
