import { execFile } from 'node:child_process'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isRoot } from '../support/services/programs.ts'

const run = promisify(execFile)

const SIZE_MIB = 96
const MIB = Buffer.alloc(1024 * 1024)

/** A file system in memory that can be filled to its last byte. */
export interface SmallDisk extends AsyncDisposable {
  /** Takes all the room that is left. */
  fill(): Promise<void>
  /** Gives it back. */
  free(): Promise<void>
}

/** Makes the folder and mounts one there; only root can: else there is just the folder. */
export async function mountSmallDisk(folder: string): Promise<SmallDisk | undefined> {
  await mkdir(folder)
  if (!isRoot()) return undefined
  await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,mode=700`, 'tmpfs', folder])
  const filler = join(folder, 'filler')
  return {
    fill: async () => {
      await using file = await open(filler, 'a')
      // A whole piece, then what is left of one.
      for (let bytes = MIB.length; bytes > 0; bytes = Math.floor(bytes / 2)) {
        while (await fits(file.write(MIB, 0, bytes)));
      }
    },
    free: () => rm(filler, { force: true }),
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['--lazy', folder])
    },
  }
}

async function fits(writing: Promise<{ bytesWritten: number }>): Promise<boolean> {
  try {
    return (await writing).bytesWritten > 0
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false
    throw error
  }
}
