import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IdTokenAnswer, NamedIdToken } from '../../contract/rpc/attempt-requests.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { TokenAnswers } from './token-answers.ts'

function answersOf(mint: (names: readonly string[]) => Promise<readonly NamedIdToken[]>) {
  const sent: IdTokenAnswer[] = []
  const answers = new TokenAnswers(mint, (answer) => sent.push(answer))
  const ask = (number: number, ...names: string[]) => answers.take({ ask: number, names })
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { sent, ask, settle }
}

const minted = (name: string): NamedIdToken => ({
  name,
  token: `token of ${name}`,
  lifetimeMs: 1000,
})

test('answers each request with tokens, or with the reason why there are none', async () => {
  const { sent, ask, settle } = answersOf(async ([name = '']) => {
    if (name === 'NO') throw new NarwhalError('forbidden', 'nobody has approved it')
    return [minted(name)]
  })
  ask(1, 'A')
  await settle()
  ask(2, 'NO')
  await settle()
  assert.deepEqual(sent, [
    { ask: 1, tokens: [minted('A')] },
    { ask: 2, trouble: 'nobody has approved it' },
  ])
})

test('of requests received while a token is minted only the newest is answered', async () => {
  let calls = 0
  const first = Promise.withResolvers<void>()
  const { sent, ask, settle } = answersOf(async ([name = '']) => {
    calls++
    if (calls === 1) await first.promise
    return [minted(name)]
  })
  for (let number = 1; number <= 10_000; number++) ask(number, 'A')
  first.resolve()
  await settle()
  await settle()
  assert.equal(calls, 2)
  assert.deepEqual(
    sent.map((one) => one.ask),
    [1, 10_000],
  )
})

test('leaves the answer to the new owner of the pipeline', async () => {
  const { sent, ask, settle } = answersOf(async () => {
    throw new NarwhalError('stale', 'another dispatcher has taken the pipeline')
  })
  ask(1, 'A')
  await settle()
  assert.deepEqual(sent, [])
})
