import { readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../../lib/errors.ts'
import { ownProcess } from '../../../lib/process-owner.ts'
import { runProgram } from '../layer/run-program.ts'
import { FileLock } from './file-lock.ts'
import { findRecord } from './records.ts'
import type { StoreFolder } from './store-folder.ts'
import type { Unsettled } from './unsettled.ts'

const RECORDS = { layers: 'facts.json', tops: 'top.json' } as const

/** Has everything of this boot on disk when it resolves, and says so in its records. */
export async function settle(folder: StoreFolder, signal: AbortSignal): Promise<void> {
  const unsettled: { readonly path: string; readonly hex: string; readonly text: string }[] = []
  for (const kind of ['layers', 'tops'] as const) {
    for (const hex of await readdir(folder[kind])) {
      const path = join(folder[kind], hex, RECORDS[kind])
      const record = findRecord<Unsettled>(path)
      if (record?.madeIn === ownProcess().boot) {
        unsettled.push({ path, hex, text: JSON.stringify(record) })
      }
    }
  }
  if (unsettled.length === 0) return
  await runProgram(['nice', '-n', '19', 'sync', '--file-system', folder.path], { signal })
  for (const { path, hex, text } of unsettled) {
    using lock = new FileLock(folder.layerLock(`sha256:${hex}`))
    await lock.acquire(signal)
    const record = findRecord<Unsettled>(path)
    // Made again since, and not on disk.
    if (JSON.stringify(record) !== text) continue
    const { madeIn: _, ...rest } = record ?? {}
    const work = await folder.newWork()
    await writeFile(work, JSON.stringify(rest), { mode: 0o600 })
    await rename(work, path).catch((error: unknown) => {
      // It was removed.
      if (!hasCode(error, 'ENOENT')) throw error
    })
  }
}
