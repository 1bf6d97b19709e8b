import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { type Input, readInput } from './read-input.ts'

function typed(...keys: string[]): { input: Input; modes: boolean[] } {
  const modes: boolean[] = []
  const setRawMode = (isRaw: boolean): number => modes.push(isRaw)
  return { input: Object.assign(Readable.from(keys), { isTTY: true, setRawMode }), modes }
}

test('what is piped in is read to its end, as it is', async () => {
  const prompts: string[] = []
  const input: Input = Readable.from([Buffer.from('two\nli'), Buffer.from('nes\n')])
  assert.equal(await readInput(input, (text) => prompts.push(text), 'Value: '), 'two\nlines\n')
  assert.deepEqual(prompts, [])
  const much = Readable.from([Buffer.alloc(2 * 1024 * 1024)])
  await assert.rejects(
    readInput(much, () => {}, ''),
    { code: 'too_large' },
  )
})

test('a terminal is asked for one line, which it does not show', async () => {
  const prompts: string[] = []
  const { input, modes } = typed('wrong', '\u0015', 'hunterX', '\u007f', '2\r', 'not this')
  assert.equal(await readInput(input, (text) => prompts.push(text), 'Value: '), 'hunter2')
  assert.deepEqual(
    [modes, prompts],
    [
      [true, false],
      ['Value: ', '\n'],
    ],
  )
})

test('Ctrl-C at the question ends it, and gives the terminal back', async () => {
  const { input, modes } = typed('hun', '\u0003')
  await assert.rejects(
    readInput(input, () => {}, ''),
    { code: 'cancelled' },
  )
  assert.deepEqual(modes, [true, false])
})
