import { setImmediate as nextTurn } from 'node:timers/promises'
import { openChunkAsync } from '../../contract/log/log-chunk.ts'
import type { LogContent } from '../../contract/log/log-content.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { StoredChunk } from '../../store/ports/logs.ts'
import type { Reads } from '../../store/store.ts'

/** Chunks decompressed ahead, off the event loop. */
const AHEAD = 4
/** Yields to the event loop this often. */
const MAX_RUN_MS = 5

export interface OpenedChunk {
  readonly chunk: StoredChunk
  readonly content: LogContent
}

/**
 * The decompressed chunks of a log up to its current end. Reads on demand, so the whole log is never in
 * memory.
 */
export async function* readContents(
  store: Reads<'logs'>,
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
      if (performance.now() - since < MAX_RUN_MS) continue
      await nextTurn()
      since = performance.now()
    }
  }
}
