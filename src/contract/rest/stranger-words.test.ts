import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitWords } from './stranger-words.ts'

test('says why a commit waits, with what the forge said, and nothing where it does not wait', () => {
  const needed = { status: 'needed', for: 'run' } as const
  assert.equal(
    waitWords({ ...needed, because: 'forge_silent', words: 'it answered 500' }),
    'the forge did not say whether anything of its author was merged here (it answered 500)',
  )
  assert.equal(waitWords({ ...needed, because: 'pipeline_files' }), 'it changes pipeline files')
  for (const none of [undefined, needed, { status: 'given', at: 1 } as const]) {
    assert.equal(waitWords(none), undefined)
  }
})
