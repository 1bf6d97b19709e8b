import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import {
  AskForIdTokensSchema,
  type MintedIdTokens,
} from '../../contract/gen/narwhal/v1/runner_pb.js'
import { NarwhalError } from '../../lib/errors.ts'
import type { NamedToken } from './job-id-tokens.ts'
import { TokenAnswers } from './token-answers.ts'

function answersOf(mint: (names: readonly string[]) => Promise<readonly NamedToken[]>) {
  const sent: MintedIdTokens[] = []
  const answers = new TokenAnswers(mint, ({ request }) => {
    if (request.case === 'idTokens') sent.push(request.value)
  })
  const ask = (number: number, ...names: string[]) =>
    answers.take(create(AskForIdTokensSchema, { ask: number, names }))
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { sent, ask, settle }
}

const minted = (name: string): NamedToken => ({ name, token: `token of ${name}`, lifetimeMs: 1000 })

test('answers each ask with tokens, or with the reason why there are none', async () => {
  const { sent, ask, settle } = answersOf(async ([name = '']) => {
    if (name === 'NO') throw new NarwhalError('forbidden', 'nobody has approved it')
    return [minted(name)]
  })
  ask(1, 'A')
  await settle()
  ask(2, 'NO')
  await settle()
  assert.deepEqual(
    sent.map(({ ask: number, tokens, trouble }) => [number, tokens[0]?.token, trouble]),
    [
      [1, 'token of A', ''],
      [2, undefined, 'nobody has approved it'],
    ],
  )
})

test('of what is asked while a token is made, only the newest is answered', async () => {
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

test('leaves it to whoever has the pipeline now', async () => {
  const { sent, ask, settle } = answersOf(async () => {
    throw new NarwhalError('stale', 'another dispatcher has taken the pipeline')
  })
  ask(1, 'A')
  await settle()
  assert.deepEqual(sent, [])
})
