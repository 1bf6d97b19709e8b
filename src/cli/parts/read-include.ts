import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeFileError } from '../../lib/describe-file-error.ts'
import type { IncludedFile, IncludeRef } from '../../pipeline-file/read/include-ref.ts'

/** Reads an included file, relative to the folder of the including one. */
export async function readInclude(
  { path, from }: IncludeRef,
  folder: string,
): Promise<IncludedFile> {
  if (from) {
    const option = `--include-repositories ${from.repository}=URL`
    return { unread: `check it with \`narwhal run --dry-run ${option}\`` }
  }
  try {
    return { text: await readFile(join(folder, path), 'utf8') }
  } catch (error) {
    return { trouble: describeFileError(error) }
  }
}
