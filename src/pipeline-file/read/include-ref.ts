/** A file that another one includes. */
export interface IncludeRef {
  /** Below the root of its repository. */
  readonly path: string
  /** Absent: of the repository and commit that is planned. */
  readonly from?: { readonly repository: string; readonly ref: string }
}

/** What was had of an included file: its text and the commit it is from, or why there is none. */
export type IncludedFile =
  | { readonly text: string; readonly sha?: string }
  | { readonly trouble: string }
  /** It may be well, but can't be looked at here: what to do about that. */
  | { readonly unread: string }

/** By `nameOf` of what refers to it. */
export type IncludedFiles = ReadonlyMap<string, IncludedFile>

const REMOTE = /^([\w.-]{1,100}(?:\/[\w.-]{1,100})+)@([A-Za-z0-9][\w./-]{0,199}):(.*)$/

/** Reads `ci/lint.yml` or `owner/name@ref:path`; undefined when it is neither. */
export function parseInclude(text: string): IncludeRef | undefined {
  const [, repository, ref = '', rest] = REMOTE.exec(text) ?? []
  const path = rest ?? text
  if (!isPath(path) || ref.includes('..')) return undefined
  return repository === undefined ? { path } : { path, from: { repository, ref } }
}

/** A path that stays below its root, of a file that YAML can be in. */
function isPath(path: string): boolean {
  if (path.length > 300 || !/\.ya?ml$/.test(path) || /[\p{C}:@\\]/u.test(path)) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

/** How people read it: `owner/name@ref:path`, or the path alone. */
export function nameOf({ path, from }: IncludeRef): string {
  return from ? `${from.repository}@${from.ref}:${path}` : path
}

/** What a file in `parent` means by it: a path is of the same repository and commit. */
export function relativeTo(ref: IncludeRef, parent: IncludeRef | undefined): IncludeRef {
  return ref.from || !parent?.from ? ref : { ...ref, from: parent.from }
}
