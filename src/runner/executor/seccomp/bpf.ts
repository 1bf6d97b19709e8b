/**
 * Classic BPF as the kernel accepts it for seccomp: instructions of eight bytes, jumps by a number of
 * instructions, forward only. A program is built from its end, so that the length of a jump is known.
 */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number]

const LOAD_WORD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_GREATER_OR_EQUAL = 0x35
const JUMP_ANY_BIT = 0x45
const RETURN = 0x06

const LONGEST_JUMP = 255
/** The kernel's limit. */
const LONGEST_PROGRAM = 4_096

export type Program = readonly Instruction[]

/** Loads a word of `struct seccomp_data` from this offset. */
export function load(place: number): Program {
  return [[LOAD_WORD, 0, 0, place]]
}

export function giveBack(value: number): Program {
  return [[RETURN, 0, 0, value]]
}

export function ifEqual(value: number, then: Program, otherwise: Program): Program {
  return branch(JUMP_EQUAL, value, then, otherwise)
}

export function ifAtLeast(value: number, then: Program, otherwise: Program): Program {
  return branch(JUMP_GREATER_OR_EQUAL, value, then, otherwise)
}

export function ifAnyBit(mask: number, then: Program, otherwise: Program): Program {
  return branch(JUMP_ANY_BIT, mask, then, otherwise)
}

/** `otherwise` must end with a return; `then` does, or falls through to what follows. */
function branch(code: number, k: number, then: Program, otherwise: Program): Program {
  if (otherwise.length > LONGEST_JUMP) throw new Error('a jump of the filter is too long')
  return [[code, otherwise.length, 0, k], ...otherwise, ...then]
}

/** Encodes it as the kernel reads it. */
export function assemble(program: Program): Uint8Array {
  if (program.length > LONGEST_PROGRAM) throw new Error('the filter is too long')
  const bytes = new DataView(new ArrayBuffer(program.length * 8))
  for (const [index, [code, jt, jf, k]] of program.entries()) {
    // Little-endian, like both supported architectures.
    bytes.setUint16(index * 8, code, true)
    bytes.setUint8(index * 8 + 2, jt)
    bytes.setUint8(index * 8 + 3, jf)
    bytes.setUint32(index * 8 + 4, k, true)
  }
  return new Uint8Array(bytes.buffer)
}
