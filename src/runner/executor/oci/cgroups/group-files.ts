import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../../lib/errors.ts'

/** How long the kernel may take to freeze or kill a group, in milliseconds. */
const LONGEST_MS = 5_000
const LOOK_MS = 1

/** Rejects with `unavailable` if it takes too long. */
export async function untilSo(folder: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + LONGEST_MS
  while (!isSo()) {
    if (performance.now() > deadline) {
      const words = `the kernel neither freezes nor ends the processes in ${folder}`
      throw new NarwhalError('unavailable', words)
    }
    await sleep(LOOK_MS)
  }
}

/** Nothing happens if the group is gone. */
export function writeGroup(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'r+' })
  } catch {}
}

/** Empty if the group is gone. */
export function readGroup(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
