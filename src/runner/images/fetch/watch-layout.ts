import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface WatchLayout {
  /** The folders that grow. */
  readonly folders: readonly string[]
  /** How long none of them may stand still. */
  readonly stallMs: number
  /** Called about every tenth of a second. */
  readonly onTick: () => Promise<void>
  readonly stop: AbortSignal
}

const TICK_MS = 100

/** Resolves to true when nothing in the folders has grown for too long, to false when it is stopped. */
export async function watchLayout(watch: WatchLayout): Promise<boolean> {
  const { folders, stallMs, onTick, stop } = watch
  let last = -1
  let since = performance.now()
  while (!stop.aborted) {
    const size = await sizeOf(folders)
    if (size !== last) {
      last = size
      since = performance.now()
    } else if (performance.now() - since > stallMs) return true
    await onTick()
    await sleep(TICK_MS, undefined, { signal: stop }).catch(() => {})
  }
  return false
}

async function sizeOf(folders: readonly string[]): Promise<number> {
  let sum = 0
  for (const folder of folders) {
    for (const name of await readdir(folder).catch(() => [])) {
      sum += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0
    }
  }
  return sum
}
