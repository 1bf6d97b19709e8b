import { call } from '../api.ts'
import type { LogParams } from './log-params.ts'
import { plainText } from './shown-line.ts'

export const MAX_COPIED = 10_000

/** Copies lines from `from` to `to` (exclusive) as plain text; resolves to how many. */
export async function copyLines(params: LogParams, from: number, to: number): Promise<number> {
  const texts: string[] = []
  const end = Math.min(to, from + MAX_COPIED)
  for (let at = from; at < end; ) {
    const query = { from: at, limit: end - at }
    const { lines } = await call('readLog', { params, query })
    if (lines.length === 0) break
    for (const line of lines) texts.push(plainText(line))
    at += lines.length
  }
  await navigator.clipboard.writeText(`${texts.join('\n')}\n`)
  return texts.length
}
