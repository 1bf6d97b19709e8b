import type { z } from 'zod'

/** Error messages. Each is prefixed with its path: `steps[0].command must be a string`. */

const LONGEST_QUOTE = 60
const LONGEST_MESSAGE = 500

/** Control characters, line separators and bidirectional overrides. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu

/** Describes a value, for "must be a string, not …". */
export function describeValue(value: unknown): string {
  if (value === null) return 'nothing'
  if (Number.isNaN(value)) return '.nan'
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : 'an infinite number'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'string' ? 'a string' : 'a mapping'
}

/** "must be a string, not a number", or "is missing". For the `error` of a schema. */
export function must(expected: string): (issue: z.core.$ZodRawIssue) => string | undefined {
  return ({ code, input }) => {
    if (code !== 'invalid_type' && code !== 'invalid_union') return undefined
    if (input === undefined) return `is missing: it must be ${expected}`
    return `must be ${expected}, not ${describeValue(input)}`
  }
}

/** Messages for schemas that have none of their own. */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return must(TYPES[issue.expected] ?? issue.expected)(issue)
  const isList = issue.origin === 'array'
  if (issue.code === 'too_small') return isList ? 'must not be an empty list' : 'must not be empty'
  if (issue.code === 'too_big') {
    return `must have at most ${issue.maximum} ${isList ? 'entries' : 'characters'}`
  }
  return 'is invalid'
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

/** A text in quotation marks, truncated if long. */
export function quote(text: string): string {
  const short = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text
  return `"${printable(short)}"`
}

/** The text with everything replaced that could upset a terminal or a page; keeps its length. */
export function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(UNPRINTABLE, '\ufffd')
}

/** A message that is safe to show anywhere. */
export function cleanMessage(message: string): string {
  const short = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message
  return printable(short)
}

/** A path for messages: `jobs.build.steps[0].env["a b"]`. */
export function describePath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z_][\w-]{0,99}$/.test(String(part))) text += `${text && '.'}${String(part)}`
    else text += `[${quote(String(part))}]`
  }
  return text
}
