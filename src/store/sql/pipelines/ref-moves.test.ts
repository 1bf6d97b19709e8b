import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Telling } from '../../../core/moves/telling.ts'
import { anEvent, aRepository } from '../../contract/fixtures.ts'
import { RefMoves } from './ref-moves.ts'

test('however many moves begin at a commit that is not known, one of them is kept to be asked for', () => {
  const { id } = aRepository()
  const before = 'b'.repeat(40)
  const moves = new RefMoves(new Map(), [])
  const tell = (digit: string, facts: Partial<Telling>) =>
    moves.accept(anEvent(id, { sha: digit.repeat(40), ...facts }))
  for (const digit of ['1', '2', '3', '4']) tell(digit, { before })
  const open = () => moves.fresh.filter(({ entry }) => entry.gapKey !== null)
  assert.equal(moves.fresh.length, 4)
  assert.equal(open().length, 1)
  // What is told late leads to all of them.
  const late = tell('b', { before: 'a'.repeat(40) })
  assert.equal(late.event.details?.isLate, true)
  assert.deepEqual(
    open().map(({ entry }) => entry.event.sha),
    [late.event.sha],
  )
})
