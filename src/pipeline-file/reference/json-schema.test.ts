import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pipelineFileJsonSchema } from './json-schema.ts'

interface ObjectSchema {
  readonly properties: Record<string, unknown>
  readonly required: readonly string[]
  readonly additionalProperties: unknown
}

test('makes a JSON Schema of both forms, which knows the keys and no others', () => {
  const schema = pipelineFileJsonSchema()
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  const [single, full] = schema.anyOf as [ObjectSchema, ObjectSchema]
  for (const key of ['name', 'image', 'env', 'steps']) assert.ok(key in single.properties, key)
  assert.ok(!('jobs' in single.properties) && !('steps' in full.properties))
  assert.deepEqual([single.required, full.required], [['steps'], ['jobs']])
  const { additionalProperties: job } = full.properties['jobs'] as {
    additionalProperties: ObjectSchema
  }
  assert.ok('needs' in job.properties && 'steps' in job.properties)
  for (const { additionalProperties } of [single, full, job]) {
    assert.equal(additionalProperties, false)
  }
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema)
})
