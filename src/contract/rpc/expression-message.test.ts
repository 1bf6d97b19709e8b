import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { readExpression } from '../../core/expression/read-expression.ts'
import { OnlyIfSchema } from '../gen/narwhal/v1/runner_pb.js'
import { onlyIfFromProto, onlyIfToProto } from './expression-message.ts'

const received = (text: string, expression: string) =>
  onlyIfFromProto(create(OnlyIfSchema, { text, expression }))

test('the deepest and longest condition of a file comes over as it is', () => {
  const texts = [
    '!contains(["a", 1, true, null], needs.a.outputs.b) && lower(needs.a.outputs.c) >= "x"',
    `${'!'.repeat(40)}(${'needs.a.outputs.b||'.repeat(45)}true)`,
    `1${'<1'.repeat(498)}`,
  ]
  for (const text of texts) {
    const read = readExpression(text)
    assert.ok(read.ok, text)
    const { expression } = onlyIfToProto({ text, expression: read.expression })
    assert.deepEqual(received(text, expression), { text, expression: read.expression })
  }
})

test('what is no condition is refused, however deep', () => {
  const deep = `${'{"kind":"not","of":'.repeat(12_000)}1${'}'.repeat(12_000)}`
  const wrong = ['', '1', '{', '{"kind":"name"}', '{"kind":"call","name":"eval","args":[]}', deep]
  for (const json of wrong) assert.throws(() => received('x', json), { code: 'invalid' })
})
