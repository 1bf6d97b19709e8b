import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSpec } from '../core/plan/plan.ts'
import { type ParsedPipelineFile, parsePipelineFile } from './parse-pipeline-file.ts'
import { nameOf, parseInclude } from './read/include-ref.ts'
import { withIncludes } from './read/with-includes.ts'

type Files = Readonly<Record<string, string>>

async function parse(text: string, files: Files = {}): Promise<ParsedPipelineFile> {
  return await withIncludes(
    (included) => parsePipelineFile(text, undefined, included),
    async (ref) => {
      const found = files[nameOf(ref)]
      return found === undefined
        ? { trouble: 'there is no such file' }
        : { text: found, sha: 'abc' }
    },
  )
}

async function jobsOf(text: string, files: Files): Promise<readonly JobSpec[]> {
  const parsed = await parse(text, files)
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.plan.jobs
}

async function problemsOf(text: string, files: Files = {}): Promise<string[]> {
  const parsed = await parse(text, files)
  assert.ok(!parsed.ok)
  return parsed.problems.map(
    ({ file = 'narwhal.yml', line, column, message }) => `${file}:${line}:${column} ${message}`,
  )
}

test('knows a path, and a path in another repository', () => {
  assert.deepEqual(parseInclude('ci/a.yml'), { path: 'ci/a.yml' })
  assert.deepEqual(parseInclude('acme/ci@v1.0:jobs/a.yaml'), {
    path: 'jobs/a.yaml',
    from: { repository: 'acme/ci', ref: 'v1.0' },
  })
  const not = ['/a.yml', '../a.yml', 'a/../b.yml', './a.yml', 'a.txt', 'a//b.yml', 'x@y:a.yml']
  const remote = ['a/b@..:c.yml', 'a/b@v1:/c.yml', 'a/b@-x:c.yml', 'https://x/y.yml', 'a\\b.yml']
  for (const text of [...not, ...remote, `${'a/'.repeat(200)}b.yml`]) {
    assert.equal(parseInclude(text), undefined, text)
  }
})

test('what is included stands before the own jobs, and the own variables win', async () => {
  const parsed = await parse(
    `
include: [ci/a.yml, 'acme/ci@v1:base.yml']
env: { A: own }
image: alpine:3
jobs:
  own: { needs: [a, base], steps: [x] }
  again: { template: t, with: { v: 2 } }
`,
    {
      'ci/a.yml': 'env: { A: a, B: a, N: 1.10 }\njobs: { a: { steps: [a] } }\n',
      'acme/ci@v1:base.yml':
        'include: more.yml\njobs: { base: { steps: [b] } }\nenv: { B: base, C: base }\n',
      'acme/ci@v1:more.yml':
        "templates:\n  t: { params: { v: {} }, job: { image: 'i:${params.v}', steps: [t] } }\n",
    },
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  const { jobs, included = [] } = parsed.plan
  assert.deepEqual(
    jobs.map(({ name, image }) => `${name} ${image}`),
    ['a alpine:3', 'base alpine:3', 'own alpine:3', 'again i:2'],
  )
  assert.deepEqual(jobs[2]?.env, { A: 'own', B: 'a', N: '1.10', C: 'base' })
  assert.deepEqual(
    included.map(({ source, sha }) => [source, sha]),
    [
      ['ci/a.yml', 'abc'],
      ['acme/ci@v1:base.yml', 'abc'],
      ['acme/ci@v1:more.yml', 'abc'],
    ],
  )
  assert.match(included[0]?.digest ?? '', /^[0-9a-f]{64}$/)
})

test('a file may be only what it includes, and the same file comes once', async () => {
  const files = {
    'a.yml': 'include: c.yml',
    'b.yml': 'include: c.yml',
    'c.yml': 'jobs: { c: { steps: [x] } }',
  }
  const jobs = await jobsOf('include: [a.yml, b.yml]', files)
  assert.deepEqual(
    jobs.map(({ name }) => name),
    ['c'],
  )
})

test('tells mistakes with the file that they are in', async () => {
  const told = await problemsOf(
    `
include: [a.yml, gone.yml, bad.yml]
jobs:
  x: { needs: nothing, steps: [x] }
  y: { steps: [y], imag: z }
`,
    {
      'a.yml': 'name: no\njobs:\n  x: { steps: [a] }\n  b: { steps: [a], image: "a b" }\n',
      'bad.yml': 'jobs: { a: [ }\n',
    },
  )
  assert.deepEqual(told.slice(0, 6), [
    `narwhal.yml:2:18 can't include "gone.yml": there is no such file`,
    'narwhal.yml:4:3 job "x" is also in a.yml: each needs its own name',
    'narwhal.yml:4:15 jobs.x.needs needs "nothing", but there is no such job',
    'narwhal.yml:5:20 jobs.y.imag is not a key of a job: did you mean image?',
    'a.yml:1:1 name is not a key of an included file: it is allowed only in the file that includes all others',
    'a.yml:4:27 jobs.b.image can\'t be a container image: "a b"; write it like node:24, or registry.example/team/image:tag',
  ])
  assert.match(told[6] ?? '', /^bad\.yml:1:1\d can't be read as YAML/)
})

test('refuses circles, depths, crowds and heaps', async () => {
  const circle = { 'a.yml': 'include: b.yml', 'b.yml': 'include: a.yml' }
  assert.deepEqual(await problemsOf('include: a.yml', circle), [
    'narwhal.yml:1:1 jobs is missing: it must be a mapping of names to jobs',
    'b.yml:1:10 include forms a cycle: a.yml → b.yml → a.yml',
  ])
  const deep = Object.fromEntries(
    Array.from({ length: 9 }, (_, i) => [`f${i}.yml`, `include: f${i + 1}.yml`]),
  )
  assert.match(
    (await problemsOf('include: f0.yml', deep)).join('\n'),
    /deeper than 5 files: f0\.yml → /,
  )
  const many = Array.from({ length: 15 }, (_, i) => `a${i}.yml`)
  const crowd = Object.fromEntries([
    ...many.map((name) => [name, `include: [${name.replace('a', 'b')}]`]),
    ...many.map((name) => [name.replace('a', 'b'), '{}']),
  ])
  const crowded = await problemsOf(`include: [${many.join(', ')}]`, crowd)
  assert.match(crowded.join('\n'), /more than 20 files are included/)
  const heap = { 'a.yml': `# ${'x'.repeat(1024 * 1024)}`, 'b.yml': `# ${'x'.repeat(1024 * 1024)}` }
  assert.match(
    (await problemsOf('include: [a.yml, b.yml]', heap)).join('\n'),
    /"b.yml" is too large/,
  )
  const bomb = `a: &a [${'x, '.repeat(30_000)}]\n`
  const twice = await problemsOf('include: [a.yml, b.yml]', { 'a.yml': bomb, 'b.yml': bomb })
  assert.ok(twice.length > 0)
})

test('refuses what is no include, beside steps or in a list', async () => {
  assert.deepEqual(await problemsOf('include: [1, ../a.yml]\njobs: { a: { steps: [x] } }'), [
    'narwhal.yml:1:11 include[0] must be a path in this repository such as ci/lint.yml, or one like owner/name@ref:ci/lint.yml, not a number',
    'narwhal.yml:1:14 include[1] must be a path in this repository such as ci/lint.yml, or one like owner/name@ref:ci/lint.yml',
  ])
  assert.deepEqual(await problemsOf('include: a.yml\nsteps: [x]', { 'a.yml': '{}' }), [
    'narwhal.yml:1:1 include is not a key of narwhal.yml: only a file with jobs can include others',
  ])
})
