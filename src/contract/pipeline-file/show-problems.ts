import assert from 'node:assert/strict'
import { parsePipelineFile } from './parse-pipeline-file.ts'

/** For tests: the problems of a text as people see them, each excerpt behind bars. */
export function showProblems(text: string): string {
  const parsed = parsePipelineFile(text)
  assert.ok(!parsed.ok, JSON.stringify(parsed))
  const shown = parsed.problems.map(({ message, line, column, excerpt }) => {
    const lines = excerpt === '' ? [] : excerpt.split('\n').map((one) => `  |${one}`)
    return [`${line}:${column} ${message}`, ...lines].join('\n')
  })
  return shown.join('\n')
}
