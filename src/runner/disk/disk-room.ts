import { statfs } from 'node:fs/promises'
import { sizeInWords } from '../executor/local/bounds/limit-notes.ts'

/** Below this, writing fails: file systems keep a reserve. */
const FULL_BYTES = 16 * 1024 ** 2
const FULL_FILES = 16
/** A checkout may need this many. */
const RESERVED_FILES = 20_000

/** The free space on the file system of a folder. */
export interface DiskRoom {
  readonly bytes: number
  /** How many more files and folders can be created; infinite if they are not counted. */
  readonly files: number
}

/** Undefined if unknown. */
export async function findRoom(folder: string): Promise<DiskRoom | undefined> {
  const disk = await statfs(folder).catch(() => undefined)
  if (!disk) return undefined
  return {
    bytes: disk.bavail * disk.bsize,
    files: disk.files > 0 ? disk.ffree : Number.POSITIVE_INFINITY,
  }
}

/** Empty while there is more than the reserve, otherwise why the runner accepts no jobs. */
export async function roomTrouble(folder: string, reserveBytes: number): Promise<string> {
  const room = await findRoom(folder)
  if (!room) return ''
  if (room.bytes < reserveBytes) {
    return `the disk with ${folder} has ${sizeInWords(room.bytes)} left: this runner accepts jobs while at least ${sizeInWords(reserveBytes)} are free (\`disk-reserve\`)`
  }
  if (room.files < RESERVED_FILES) {
    return `the disk with ${folder} has room for ${room.files} more files: this runner accepts jobs while there is room for at least ${RESERVED_FILES}`
  }
  return ''
}

/** Describes the first folder whose disk is too full for a job to continue. */
export async function findFull(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const room = await findRoom(folder)
    if (!room) continue
    if (room.bytes < FULL_BYTES) return `${sizeInWords(room.bytes)} left in ${folder}`
    if (room.files < FULL_FILES) return `no more files can be created in ${folder}`
  }
  return undefined
}
