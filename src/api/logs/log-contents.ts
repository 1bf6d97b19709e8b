import { setImmediate as nextTurn } from 'node:timers/promises'
import { openChunkAsync } from '../../contract/log/log-chunk.ts'
import type { LogContent } from '../../contract/log/log-content.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { StoredChunk } from '../../store/ports/logs.ts'
import type { StoreReader } from '../../store/store.ts'

/** So many chunks are being opened beside the event loop while one is looked at. */
const AHEAD = 4
/** Whoever reads a long log lets others have their turn this often. */
const LONGEST_RUN_MS = 5

export interface OpenedChunk {
  readonly chunk: StoredChunk
  readonly content: LogContent
}

/**
 * The chunks of a log from the first on, opened, to its present end. It reads on as it is asked, so a
 * whole log is never in memory.
 */
export async function* readContents(
  store: StoreReader,
  log: AttemptRef,
): AsyncGenerator<OpenedChunk, void, undefined> {
  let since = performance.now()
  for (let from = 0; ; ) {
    const chunks = await store.logs.readChunks(log, from)
    const last = chunks.at(-1)
    if (!last) return
    from = last.firstLine + last.lineCount
    const opening: Promise<LogContent>[] = []
    for (const [index, chunk] of chunks.entries()) {
      for (const ahead of chunks.slice(index + opening.length, index + AHEAD)) {
        opening.push(openChunkAsync(ahead))
      }
      const content = await opening.shift()
      if (content) yield { chunk, content }
      if (performance.now() - since < LONGEST_RUN_MS) continue
      await nextTurn()
      since = performance.now()
    }
  }
}
