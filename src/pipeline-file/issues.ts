import type { z } from 'zod'

/** Something wrong at a path: "must be text" at `steps[0].command`. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** What the message is about: the key at the end of the path, or the value. */
  readonly at: 'key' | 'value'
  /** It would be right if a file that is included had something of that name. */
  readonly isName?: true
}

/** zod's issues one by one: each unknown key by itself, and of a union the branch that was meant. */
export function flattenIssues(
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly PropertyKey[] = [],
): Issue[] {
  return issues.flatMap((issue): Issue[] => {
    const path = [...prefix, ...issue.path]
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n')
      return issue.keys.map((key, i) => {
        return { path: [...path, key], message: messages[i] ?? issue.message, at: 'key' }
      })
    }
    if (issue.code === 'invalid_key') {
      return issue.issues.map(({ message }) => ({ path, message, at: 'key' }))
    }
    if (issue.code === 'invalid_union') {
      const [meant, ...others] = issue.errors.filter((branch) => !branch.some(isOtherKind))
      if (meant && others.length === 0) return flattenIssues(meant, path)
    }
    return [{ path, message: issue.message, at: 'value' }]
  })
}

/** Whether the issue says that the value is of another kind altogether than the branch wants. */
function isOtherKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_union')
}
