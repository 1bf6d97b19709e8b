import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError } from '../../lib/errors.ts'
import type { IncludedFile, IncludeRef } from '../../pipeline-file/read/include-ref.ts'

/** A file that is included, as it lies in the folder of the one that includes it. */
export async function readInclude(
  { path, from }: IncludeRef,
  folder: string,
): Promise<IncludedFile> {
  if (from) {
    const option = `--include-repositories ${from.repository}=URL`
    return { unread: `see all of it by \`narwhal run --dry-run ${option}\`` }
  }
  try {
    return { text: await readFile(join(folder, path), 'utf8') }
  } catch (error) {
    return { trouble: describeError(error) }
  }
}
