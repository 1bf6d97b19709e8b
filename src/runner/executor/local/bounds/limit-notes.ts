const GIB = 1024 ** 3
const MIB = 1024 ** 2

/** Why steps ended that hit a limit, as messages. */

export function outOfMemory(limitBytes: number): string {
  return `out of memory: the limit is ${sizeInWords(limitBytes)}`
}

export function tooManyProcesses(limit: number): string {
  return `it could not start a process: the limit is ${limit} (\`job-processes\`)`
}

/** `2 GiB`, `512 MiB`, `1.5 GiB`. */
export function sizeInWords(bytes: number): string {
  const [size, unit] = bytes >= GIB ? [bytes / GIB, 'GiB'] : [bytes / MIB, 'MiB']
  return `${Number(size.toFixed(1))} ${unit}`
}
