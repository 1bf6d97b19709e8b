const CAPABILITY = 'security.capability'

/** How a layer's files are written for the containers that will see them. */
export interface IdShift {
  /** Added to each owner: the machine's id of the containers' root; 0: the same ids. */
  readonly first: number
  /** How many ids, from 0, can be written; others become the last of them. */
  readonly count: number
}

/**
 * Which extended attributes are kept: file capabilities and those of users. Labels of the machine that built
 * the image mean nothing on this one, and overlay's own marks would hide files.
 */
export function keptAttributes(
  attributes: ReadonlyMap<string, Buffer>,
  isFile: boolean,
  { first }: IdShift,
): { readonly kept: Map<string, Buffer>; readonly dropped: number } {
  const kept = new Map<string, Buffer>()
  for (const [name, value] of attributes) {
    if (name.startsWith('user.') && !name.startsWith('user.overlay.')) kept.set(name, value)
    const capability = isFile && name === CAPABILITY ? capabilityFor(value, first) : undefined
    if (capability) kept.set(name, capability)
  }
  return { kept, dropped: attributes.size - kept.size }
}

const REVISION_AT = 3
const V1_BYTES = 12
const V2_BYTES = 20
const V3_BYTES = 24

/**
 * File capabilities of version 2; or of version 3, which hold only in the user namespace whose root has this
 * id on the machine. Undefined: malformed. The root of a foreign namespace is left out.
 */
function capabilityFor(value: Buffer, rootId: number): Buffer | undefined {
  const version = value[REVISION_AT]
  const bytes = [0, V1_BYTES, V2_BYTES, V3_BYTES][version ?? 0]
  if (bytes === undefined || bytes !== value.length) return undefined
  const made = Buffer.alloc(rootId === 0 ? V2_BYTES : V3_BYTES)
  value.copy(made, 0, 0, Math.min(value.length, V2_BYTES))
  made[REVISION_AT] = rootId === 0 ? 2 : 3
  if (rootId !== 0) made.writeUInt32LE(rootId, V2_BYTES)
  // Only this flag is defined: the capabilities are in effect when the program starts.
  made.writeUInt32LE(made.readUInt32LE(0) & 0xff00_0001, 0)
  return made
}
