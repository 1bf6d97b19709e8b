import type { Problem } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import { limits } from '../limits.ts'
import { cleanMessage, printable } from '../words.ts'
import { parseInclude } from './include-ref.ts'

/** An error at an offset into the concatenated texts; UTF-16 code units. */
export interface Fault {
  readonly offset: number
  readonly message: string
}

const WIDTH = 120

/** A text and its offset among all. */
export interface PlacedText {
  readonly text: string
  readonly base: number
  /** Its name for people; absent: `narwhal.yml` itself. */
  readonly file?: string
}

/** Converts faults to problems: sorted, without duplicates; the last one says how many were omitted. */
export function faultsToProblems(
  texts: string | readonly PlacedText[],
  faults: readonly Fault[],
): Problem[] {
  const placed = typeof texts === 'string' ? [{ text: texts, base: 0 }] : texts
  const sorted = faults.toSorted((a, b) => a.offset - b.offset)
  const problems: Problem[] = []
  const known = new Set<string>()
  let rest: Problem | undefined
  let left = 0
  for (const { offset, message } of sorted) {
    const key = `${offset} ${message}`
    if (known.has(key)) continue
    known.add(key)
    if (problems.length < limits.problems) problems.push(toProblem(placed, offset, message))
    else {
      rest ??= toProblem(placed, offset, '')
      left++
    }
  }
  if (rest) problems.push({ ...rest, message: `and ${left} more`, excerpt: '' })
  return problems
}

function toProblem(texts: readonly PlacedText[], offset: number, message: string): Problem {
  const { text, base, file } = texts.findLast((one) => one.base <= offset) ?? {
    text: '',
    base: 0,
    file: undefined,
  }
  const at = Math.max(0, Math.min(offset - base, text.length))
  // A negative index would be treated as 0.
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++
  // Access to a pipeline doesn't imply access to another repository's files.
  const isOfAnother = file !== undefined && parseInclude(file)?.from !== undefined
  return {
    message: cleanMessage(isOfAnother ? withoutQuotes(message) : message),
    ...present({ file }),
    line,
    column: at - start + 1,
    excerpt: isOfAnother ? '' : cut(text, start, at),
  }
}

function withoutQuotes(message: string): string {
  return message.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"…"')
}

/** The line around the position, at most WIDTH wide, with a caret below it. */
function cut(text: string, start: number, at: number): string {
  const newline = text.indexOf('\n', at)
  let end = newline < 0 ? text.length : newline
  if (text[end - 1] === '\r' && end > start) end--
  if (end === start) return ''
  const from = end - start > WIDTH ? Math.max(start, Math.min(at - WIDTH / 2, end - WIDTH)) : start
  const to = Math.min(end, from + WIDTH)
  // A tab becomes one space, so that the caret lines up in any terminal.
  const shown = `${from > start ? '…' : ''}${printable(text.slice(from, to))}${to < end ? '…' : ''}`
  const indent = Math.min(at, end) - from + (from > start ? 1 : 0)
  return `${shown}\n${' '.repeat(indent)}^`
}
