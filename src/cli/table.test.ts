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

test('aligns cells by the room they take', () => {
  const io = recordedIo()
  printTable(io, ROWS, COLUMNS)
  assert.equal(
    io.stdout.text,
    `NAME  TITLE                END
a     A rather long title  x
漢字  short                y
`,
  )
})

test('cuts what may be cut to a narrow terminal, and nothing for a pipe', () => {
  const io = recordedIo({ tty: true, columns: 22, env: { NO_COLOR: '1' } })
  printTable(io, ROWS, COLUMNS)
  assert.equal(
    io.stdout.text,
    `NAME  TITLE        END
a     A rather l…  x
漢字  short        y
`,
  )
})

test('colours the titles on a terminal only, and not against NO_COLOR or on a dumb one', () => {
  const cases = [
    { tty: true, env: {}, coloured: true },
    { tty: false, env: {}, coloured: false },
    { tty: true, env: { NO_COLOR: '1' }, coloured: false },
    { tty: true, env: { TERM: 'dumb' }, coloured: false },
  ]
  for (const { tty, env, coloured } of cases) {
    const io = recordedIo({ tty, env })
    printTable(io, ROWS, COLUMNS)
    assert.equal(io.stdout.text.includes('\x1b['), coloured)
  }
})

test('cuts by cells and ends the colours that it cuts', () => {
  assert.equal(cutText('漢字漢字', 5), '漢字…')
  assert.equal(cutText('\x1b[31mabcdef', 4), '\x1b[31mabc…\x1b[0m')
  assert.equal(cutText('abc', 3), 'abc')
  assert.equal(textWidth('e\u0301\x1b[1mx👍'), 4)
})
