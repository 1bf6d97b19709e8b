import { describeError, hasCode } from './errors.ts'

/** Why a file can't be read or written: without Node's code and the path, which the caller names itself. */
export function describeFileError(reason: unknown): string {
  if (hasCode(reason, 'ENOENT')) return 'there is no such file'
  if (hasCode(reason, 'ENOTDIR')) return 'a part of its path is not a folder'
  if (hasCode(reason, 'EISDIR')) return 'it is a folder'
  const words = describeError(reason)
  // As in "EACCES: permission denied, open '/path'".
  return /^E[A-Z0-9]+: ([^,]+), \w+/.exec(words)?.[1] ?? words
}
