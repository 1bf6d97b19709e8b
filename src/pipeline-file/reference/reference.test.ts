import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { z } from 'zod'
import { lintPipelineFile } from '../lint/lint-pipeline-file.ts'
import { pipelineFileJsonSchema } from './json-schema.ts'
import { referencePage, referenceSections } from './reference.ts'

test("the manual's page of all keys is what the schema says: narwhal schema --markdown", async () => {
  const path = new URL('../../../docs/manual/narwhal-yml-reference.md', import.meta.url)
  assert.equal(await readFile(path, 'utf8'), referencePage())
})

interface Schema {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly [key: string]: unknown
}

/** Every key of the schema, wherever it stands. */
function* keysOf(schema: unknown): Generator<[string, Schema]> {
  if (typeof schema !== 'object' || schema === null) return
  const { properties = {} } = schema as Schema
  yield* Object.entries(properties)
  for (const part of Object.values(schema)) yield* keysOf(part)
}

test('every example of the page is right', () => {
  let count = 0
  for (const [title, { shape }] of referenceSections) {
    for (const [name, schema] of Object.entries(shape) as [string, z.ZodType][]) {
      const { examples = [] } = schema.meta() ?? {}
      for (const example of examples as string[]) {
        const { error } = schema.safeParse(parse(example))
        assert.equal(error?.message, undefined, `${title}, ${name}: ${example}`)
        count++
      }
    }
  }
  assert.ok(count > 60, `${count} examples`)
})

test('every key has its meaning and its place in the page', () => {
  const page = referencePage()
  let count = 0
  for (const [name, { description }] of keysOf(pipelineFileJsonSchema())) {
    assert.ok(description, `${name} has no description`)
    assert.ok(page.includes(`| \`${name}\` | ${description}`), name)
    count++
  }
  assert.ok(count > 60, `${count} keys`)
})

test('warns of what is hardly meant, at its place', () => {
  const warned = lintPipelineFile(`
image: node
jobs:
  a:
    image: alpine:latest
    when: { event: tag, branch: main }
    steps:
      - echo \${{ github.sha }}
      - { command: 'echo \${matrix.os}', when: [{ event: push }, { tag: v1, branch: x }] }
  b: { image: 'alpine:3.22', steps: [echo] }
`).warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)
  assert.deepEqual(warned, [
    '2:8 image changes whenever its maintainers push: pin a tag such as :1.2',
    '5:12 jobs.a.image changes whenever its maintainers push: pin a tag such as :1.2',
    '6:5 jobs.a.when can never match: a tag has no branch',
    '8:9 jobs.a.steps[0] contains ${{ github.sha }}, which is not expanded here: use "$NARWHAL_SHA"',
    '9:20 jobs.a.steps[1].command contains ${matrix.os}, which is not expanded here: use "$NARWHAL_MATRIX_OS"',
    '9:65 jobs.a.steps[1].when[1] can never match: a tag has no branch',
  ])
})
