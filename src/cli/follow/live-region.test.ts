import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { Screen } from '#root/test/support/cli/screen.ts'
import { LiveRegion } from './live-region.ts'

test('rewrites its lines in place, each time with one write', () => {
  const io = recordedIo({ tty: true })
  using region = new LiveRegion(io)
  region.update(['head'], ['a', 'b', 'c'])
  region.update([], ['a', 'B'])
  region.update(['done a'], ['B2'])
  assert.equal(io.stdout.writes.length, 3)
  assert.deepEqual(new Screen(80).write(io.stdout.text).lines, ['head', 'done a', 'B2'])
})

test('writes nothing when nothing has changed', () => {
  const io = recordedIo({ tty: true })
  using region = new LiveRegion(io)
  region.update([], ['a'])
  region.update([], ['a'])
  assert.equal(io.stdout.writes.length, 1)
})

test('hides the cursor while it lives, and shows it again on disposal or at exit', () => {
  const io = recordedIo({ tty: true })
  const screen = new Screen(80)
  {
    using region = new LiveRegion(io)
    region.update([], ['a'])
    assert.equal(screen.write(io.stdout.text).cursorHidden, true)
    assert.equal(io.exitListeners, 1)
    io.stdout.writes.length = 0
  }
  assert.equal(screen.write(io.stdout.text).cursorHidden, false)
  assert.deepEqual(screen.lines, [])
  assert.equal(io.exitListeners, 0)
})

test('finds its first line again after the terminal has become narrower', () => {
  const io = recordedIo({ tty: true, columns: 20 })
  using region = new LiveRegion(io)
  region.update(['head'], ['0123456789abcdef', 'x'])
  io.stdout.resize(10, 24)
  // What the terminal has made of the first two lines by itself:
  const screen = new Screen(10).write('head\r\n0123456789abcdef\r\nx\r\n')
  io.stdout.writes.length = 0
  region.update([], ['short', 'y'])
  assert.deepEqual(screen.write(io.stdout.text).lines, ['head', 'short', 'y'])
})
