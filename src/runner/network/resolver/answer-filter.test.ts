import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from 'dns-packet'
import { closedToStrangers } from '../closed-to-strangers.ts'
import { emptyAnswer, withoutAddresses } from './answer-filter.ts'

const QUESTION = encode({
  type: 'query',
  id: 77,
  flags: 256,
  questions: [{ type: 'A', name: 'git.example' }],
})

function answer(...records: readonly (readonly ['A' | 'AAAA', string])[]): Buffer {
  return encode({
    type: 'response',
    id: 77,
    questions: [{ type: 'A', name: 'git.example' }],
    answers: records.map(([type, data]) => ({ type, name: 'git.example', ttl: 60, data })),
  })
}

const filter = withoutAddresses(closedToStrangers(['9.0.0.0/8'], ['10.1.2.3']))

test("removes addresses that strangers can't reach, and nothing else", () => {
  const mixed = answer(
    ['A', '203.0.113.7'],
    ['A', '10.0.0.5'],
    ['A', '169.254.169.254'],
    ['A', '9.1.1.1'],
  )
  const left = decode(filter(mixed, QUESTION))
  assert.deepEqual(
    left.answers?.map((record) => 'data' in record && record.data),
    ['203.0.113.7'],
  )
  assert.equal(left.id, 77)
  const six = answer(['AAAA', 'fd00::1'], ['AAAA', '2001:4860::1'], ['AAAA', '::ffff:10.0.0.1'])
  assert.equal(decode(filter(six, QUESTION)).answers?.length, 1)
})

test('passes on unchanged answers byte for byte, also for names of holes', () => {
  const open = answer(['A', '203.0.113.7'], ['A', '10.1.2.3'])
  assert.equal(filter(open, QUESTION), open)
})

test("passes on nothing that can't be parsed", () => {
  const broken = Buffer.concat([answer().subarray(0, 12), Buffer.from([63, 1, 2])])
  broken.writeUInt16BE(1, 4)
  const said = decode(filter(broken, QUESTION))
  assert.equal('rcode' in said && said.rcode, 'SERVFAIL')
  assert.equal(said.answers?.length, 0)
})

test('answers a question with no records, and survives a malformed one', () => {
  const said = decode(emptyAnswer(QUESTION, 'NOERROR'))
  assert.deepEqual([said.id, said.type, said.questions?.[0]?.name], [77, 'response', 'git.example'])
  const odd = Buffer.from([...QUESTION.subarray(0, 12), 200, 1, 2])
  assert.equal(emptyAnswer(odd, 'SERVFAIL').length, 12)
})
