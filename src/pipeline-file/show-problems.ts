import assert from 'node:assert/strict'
import { parsePipelineFile } from './parse-pipeline-file.ts'

/** For tests: the problems as shown to people, excerpts marked with bars; lists of keys as `…`. */
export function showProblems(text: string): string {
  const parsed = parsePipelineFile(text)
  assert.ok(!parsed.ok, JSON.stringify(parsed))
  const shown = parsed.problems.map(({ message, line, column, excerpt }) => {
    const lines = excerpt === '' ? [] : excerpt.split('\n').map((one) => `  |${one}`)
    const short = message.replace(/: it has [a-z_, ]+$/, ': it has …')
    return [`${line}:${column} ${short}`, ...lines].join('\n')
  })
  return shown.join('\n')
}
