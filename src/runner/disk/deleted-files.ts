import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ProcessSearch } from '../executor/processes/process-search.ts'

/** Yields to the event loop after this many processes. */
const TURN = 64

/**
 * The size of deleted files that the matching processes still hold open: no folder shows them. Files
 * that can't be inspected count as nothing.
 */
export async function deletedBytes(search: ProcessSearch): Promise<number> {
  const sizes = new Map<string, number>()
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  for (const [index, pid] of pids.entries()) {
    if (index % TURN === TURN - 1) await nextTurn()
    if (search(pid) !== 'ours') continue
    for (const file of openFiles(pid)) {
      const { key, bytes } = deletedFile(file) ?? {}
      if (key !== undefined && bytes !== undefined) sizes.set(key, bytes)
    }
  }
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
}

function openFiles(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => `/proc/${pid}/fd/${name}`)
  } catch {
    return []
  }
}

function deletedFile(file: string): { readonly key: string; readonly bytes: number } | undefined {
  try {
    const path = readlinkSync(file)
    if (!path.startsWith('/') || !path.endsWith(' (deleted)')) return undefined
    const { dev, ino, blocks, nlink } = statSync(file)
    return nlink === 0 ? { key: `${dev}:${ino}`, bytes: blocks * 512 } : undefined
  } catch {
    return undefined
  }
}
