/** For code that the types say is never reached: a new member of a union fails to compile here. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`)
}
