import { statfs } from 'node:fs/promises'
import { sizeInWords } from '../executor/local/bounds/limit-notes.ts'

/** With less than that, writing fails: the file systems keep some for themselves. */
const FULL_BYTES = 16 * 1024 ** 2
const FULL_FILES = 16
/** A checkout may bring so many. */
const RESERVED_FILES = 20_000

/** What is left on the file system of a folder. */
export interface DiskRoom {
  readonly bytes: number
  /** How many more files and folders there may be; infinite where they are not counted. */
  readonly files: number
}

/** Undefined where it can't be told. */
export async function findRoom(folder: string): Promise<DiskRoom | undefined> {
  const disk = await statfs(folder).catch(() => undefined)
  if (!disk) return undefined
  return {
    bytes: disk.bavail * disk.bsize,
    files: disk.files > 0 ? disk.ffree : Number.POSITIVE_INFINITY,
  }
}

/** Empty while there is more than the reserve, else why the runner takes no jobs, in words. */
export async function roomTrouble(folder: string, reserveBytes: number): Promise<string> {
  const room = await findRoom(folder)
  if (!room) return ''
  if (room.bytes < reserveBytes) {
    return `the disk with ${folder} has ${sizeInWords(room.bytes)} left: this runner takes jobs while there are ${sizeInWords(reserveBytes)} (\`disk-reserve\`)`
  }
  if (room.files < RESERVED_FILES) {
    return `the disk with ${folder} has room for ${room.files} more files: this runner takes jobs while there is for ${RESERVED_FILES}`
  }
  return ''
}

/** The folder whose disk is so full that a job can't go on, with what is left in words. */
export async function findFull(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const room = await findRoom(folder)
    if (!room) continue
    if (room.bytes < FULL_BYTES) return `${sizeInWords(room.bytes)} left in ${folder}`
    if (room.files < FULL_FILES) return `no more files can be made in ${folder}`
  }
  return undefined
}
