import { availableParallelism } from 'node:os'
import type { FileResult } from './result.ts'
import { type RunFileOptions, runFile } from './run-file.ts'

/** Runs test files concurrently, those that are long one at a time; each result is reported as it comes. */
export async function runFiles(
  files: readonly string[],
  isLong: (file: string) => boolean,
  options: Omit<RunFileOptions, 'file'>,
  onResult: (result: FileResult) => void,
): Promise<void> {
  const waiting = [...files]
  let longRuns = false
  const next = (): string | undefined => {
    const index = waiting.findIndex((file) => !(longRuns && isLong(file)))
    return index === -1 ? undefined : waiting.splice(index, 1)[0]
  }
  // Files wait for processes and disks more than they compute: one more than there are cores.
  const workers = Array.from({ length: availableParallelism() + 1 }, async () => {
    for (let file = next(); file !== undefined; file = next()) {
      if (options.signal.aborted) return
      if (isLong(file)) longRuns = true
      const result = await runFile({ ...options, file })
      if (isLong(file)) longRuns = false
      onResult(result)
    }
  })
  await Promise.all(workers)
}
