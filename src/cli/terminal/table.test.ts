import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { printTable } from './table.ts'
import { cutText, textWidth } from './text-width.ts'

const COLUMNS = [
  { title: 'name', cell: ([name]: string[]) => name ?? '' },
  { title: 'title', cell: ([, title]: string[]) => title ?? '', shrinkTo: 5 },
  { title: 'end', cell: ([, , end]: string[]) => end ?? '' },
]
const ROWS = [
  ['a', 'A rather long title', 'x'],
  ['漢字', 'short', 'y'],
]

test('aligns cells by the room they take', async () => {
  const io = recordedIo()
  await printTable(io, ROWS, COLUMNS)
  assert.equal(
    io.stdout.text,
    `NAME  TITLE                END
a     A rather long title  x
漢字  short                y
`,
  )
})

test('cuts what may be cut to a narrow terminal, and nothing for a pipe', async () => {
  const io = recordedIo({ tty: true, columns: 22, env: { NO_COLOR: '1' } })
  await printTable(io, ROWS, COLUMNS)
  assert.equal(
    io.stdout.text,
    `NAME  TITLE        END
a     A rather l…  x
漢字  short        y
`,
  )
})

test('colours the titles on a terminal only, and not against NO_COLOR or on a dumb one', async () => {
  const cases = [
    { tty: true, env: {}, coloured: true },
    { tty: false, env: {}, coloured: false },
    { tty: true, env: { NO_COLOR: '1' }, coloured: false },
    { tty: true, env: { TERM: 'dumb' }, coloured: false },
  ]
  for (const { tty, env, coloured } of cases) {
    const io = recordedIo({ tty, env })
    await printTable(io, ROWS, COLUMNS)
    assert.equal(io.stdout.text.includes('\x1b['), coloured)
  }
})

test('cuts by cells and ends the colours that it cuts', () => {
  assert.equal(cutText('漢字漢字', 5), '漢字…')
  assert.equal(cutText('\x1b[31mabcdef', 4), '\x1b[31mabc…\x1b[0m')
  assert.equal(cutText('abc', 3), 'abc')
  assert.equal(textWidth('e\u0301\x1b[1mx👍'), 4)
})

test('takes for one character what people see as one', () => {
  assert.equal(textWidth('👩‍👩‍👧'), 2)
  assert.equal(textWidth('🇩🇪1️⃣'), 4)
  assert.equal(cutText('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 5), '👩‍👩‍👧👩‍👩‍👧…')
  assert.equal(cutText('👩‍👩‍👧👩‍👩‍👧', 3), '👩‍👩‍👧…')
  assert.equal(cutText('e\u0301e\u0301e\u0301', 2), 'e\u0301…')
})
