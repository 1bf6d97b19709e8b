import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IncludedFile, IncludeRef } from '../contract/pipeline-file/include-ref.ts'
import { describeError } from '../lib/errors.ts'

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
