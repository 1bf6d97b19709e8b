import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintPipelineFile } from './lint-pipeline-file.ts'

function warningsOf(when: object): string[] {
  const file = JSON.stringify({ jobs: { a: { when, steps: ['make'] } } })
  const { problems, warnings } = lintPipelineFile(file)
  assert.deepEqual(problems, [])
  return warnings.map(({ message }) => message)
}

test('lint warns of patterns that match nothing, and says what to write', () => {
  const cases: [object, string][] = [
    [{ path: 'docs/' }, 'jobs.a.when.path can never match: write "docs/**"'],
    [{ path: ['src/**', './docs/**'] }, 'jobs.a.when.path[1] can never match: write "docs/**"'],
    [{ path: '/docs/' }, 'jobs.a.when.path can never match: write "docs/**"'],
    [{ path: ['**', '!./docs/a'] }, 'jobs.a.when.path[1] can never match: write "docs/a"'],
    [{ branch: 'refs/heads/main' }, 'jobs.a.when.branch can never match: write "main"'],
    [{ tag: 'refs/tags/v*' }, 'jobs.a.when.tag can never match: write "v*"'],
    [
      { event: 'push', action: 'opened' },
      'jobs.a.when.action can never match: push never has the action opened',
    ],
    [
      { event: 'pull_request', action: ['opened', 'published'] },
      'jobs.a.when.action[1] can never match: pull_request never has the action published',
    ],
    [
      { event: ['push', 'pull_request'], action: 'opened' },
      'jobs.a.when.action never holds for push, which has no such action: write a list of two mappings',
    ],
    [
      { action: ['opened'], merged: true },
      'jobs.a.when.merged can never match: only a pull request that was closed can have been merged',
    ],
    [
      { event: ['push', 'tag'], label: ['e2e', '!wip'] },
      'jobs.a.when.label can never match: only pull requests have it, and `event` names none',
    ],
    [
      { event: 'push', draft: true },
      'jobs.a.when.draft can never match: only pull requests have it, and `event` names none',
    ],
    [
      { branch: '${default_branch}' },
      'jobs.a.when.branch can never match: nothing is inserted into a pattern',
    ],
    [
      { path: 'src/**/*.{ts,tsx}' },
      'jobs.a.when.path can never match: braces have no meaning here, write a list of patterns',
    ],
  ]
  for (const [when, message] of cases) assert.deepEqual(warningsOf(when), [message])
  const regular = ['^main$', '/release-.*/', 'v\\d+', 'release-[0-9]', '(main|next)', 'main$']
  for (const branch of regular) {
    assert.match(warningsOf({ branch }).join(), /patterns are not regular expressions/, branch)
  }
  for (const path of ['^src/.*$', 'src/.*\\.ts', '(src|lib)/**']) {
    assert.match(warningsOf({ path }).join(), /patterns are not regular expressions/, path)
  }
})

test('lint warns of no pattern that may match', () => {
  const branches = ['main', 'release/*', 'v1.*', '**', 'feature/a{b}', '!wip/**', 'a$b', 'refs/x']
  for (const branch of branches) assert.deepEqual(warningsOf({ branch: [branch, 'x'] }), [], branch)
  for (const when of [
    { event: 'push', draft: false },
    { action: ['closed', 'published'], merged: true },
    { event: ['pull_request', 'release'], action: ['labeled', 'published'] },
    { event: 'push', label: '!wip' },
    { event: ['push', 'pull_request'], label: 'e2e', draft: true, milestone: 'v*' },
    { label: '[wip]' },
  ]) {
    assert.deepEqual(warningsOf(when), [], JSON.stringify(when))
  }
  const paths = [
    '.github/**',
    '**/.*',
    'app/[id]/(main)/page.tsx',
    'a.b',
    'Makefile',
    '!**/*.md',
    '..a',
  ]
  for (const path of paths) assert.deepEqual(warningsOf({ path: [path, 'x'] }), [], path)
})

test('lint warns of what is excluded from a matrix and is not in it', () => {
  const file = `
jobs:
  a:
    matrix:
      python: [3.9, 3.10]
      system: [alpine]
      exclude: [{ python: 3.1 }, { python: '3.10' }, { python: 3.9, system: debian }]
    steps: [make]
`
  const { problems, warnings } = lintPipelineFile(file)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    warnings.map(({ line, message }) => `${line} ${message}`),
    [
      '7 jobs.a.matrix.exclude[0].python excludes nothing: the values of "python" are 3.9, 3.10',
      '7 jobs.a.matrix.exclude[2].system excludes nothing: the values of "system" are alpine',
    ],
  )
})
