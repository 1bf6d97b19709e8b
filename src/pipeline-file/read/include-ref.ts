/** A reference to an included file. */
export interface IncludeRef {
  /** Relative to the root of its repository. */
  readonly path: string
  /** Absent: the repository and commit being planned. */
  readonly from?: { readonly repository: string; readonly ref: string }
}

/** An included file: its text and commit, or why it can't be included. */
export type IncludedFile =
  | { readonly text: string; readonly sha?: string }
  | { readonly trouble: string }
  /** It can't be checked here; says what to do about it. */
  | { readonly unread: string }

/** By `nameOf` of its reference. */
export type IncludedFiles = ReadonlyMap<string, IncludedFile>

const REMOTE = /^([\w.-]{1,100}(?:\/[\w.-]{1,100})+)@([A-Za-z0-9][\w./-]{0,199}):(.*)$/

/** Parses `ci/lint.yml` or `owner/name@ref:path`; undefined if it is neither. */
export function parseInclude(text: string): IncludeRef | undefined {
  const [, repository, ref = '', rest] = REMOTE.exec(text) ?? []
  const path = rest ?? text
  if (!isPath(path) || ref.includes('..')) return undefined
  return repository === undefined ? { path } : { path, from: { repository, ref } }
}

/** Whether it is a path of a YAML file that stays below the root. */
function isPath(path: string): boolean {
  if (path.length > 300 || !/\.ya?ml$/.test(path) || /[\p{C}:@\\]/u.test(path)) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/** Its name for people: `owner/name@ref:path`, or just the path. */
export function nameOf({ path, from }: IncludeRef): string {
  return from ? `${from.repository}@${from.ref}:${path}` : path
}

/** Resolves a reference in `parent`: a plain path is in the same repository and commit. */
export function relativeTo(ref: IncludeRef, parent: IncludeRef | undefined): IncludeRef {
  return ref.from || !parent?.from ? ref : { ...ref, from: parent.from }
}
