import type { z } from 'zod'

/** An error at a path: "must be a string" at `steps[0].command`. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Whether the message is about the last key of the path, or its value. */
  readonly at: 'key' | 'value'
  /** It would be valid if an included file defined that name. */
  readonly isName?: true
}

/** Flattens zod's issues: one per unknown key, and for a union only those of the branch that was meant. */
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
      const branches = issue.errors.filter((branch) => !branch.some(isOtherKind))
      // A word out of several is of the same type as a list of them, for zod: then the list was meant.
      const inside = branches.filter((branch) => branch.every((one) => one.path.length > 0))
      const [meant, ...others] = inside.length === 1 ? inside : branches
      if (meant && others.length === 0) return flattenIssues(meant, path)
    }
    return [{ path, message: issue.message, at: 'value' }]
  })
}

/** Whether the value is of a type that the branch doesn't take at all. */
function isOtherKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_union')
}
