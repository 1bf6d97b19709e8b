import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new empty folder, deleted with all its content on disposal. */
export interface TempDir extends AsyncDisposable {
  /** Absolute, and short enough for a Unix socket in it. */
  readonly path: string
  join(...parts: string[]): string
}

/** `await using dir = await tempDir()` */
export async function tempDir(prefix = 'narwhal-'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  return {
    path,
    join: (...parts) => join(path, ...parts),
    // A process that is just ending may still write there: retry.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  }
}
