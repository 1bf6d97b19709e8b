import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IndexedHeap } from './indexed-heap.ts'

test('always has the smallest first, whatever comes, goes or changes', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'remove', 'change'),
    which: fc.nat(30),
    value: fc.nat(10),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new IndexedHeap<{ value: number }>((a, b) => a.value - b.value)
      const items = new Map<number, { value: number }>()
      for (const { what, which, value } of steps) {
        const item = items.get(which)
        if (what === 'add' && !item) {
          const added = { value }
          items.set(which, added)
          heap.add(added)
        } else if (what === 'remove') {
          items.delete(which)
          heap.remove(item ?? { value })
        } else if (item) {
          item.value = value
          heap.update(item)
        }
        const least = Math.min(...[...items.values()].map((one) => one.value))
        assert.equal(heap.first?.value, items.size > 0 ? least : undefined)
        assert.equal(heap.size, items.size)
      }
    }),
  )
})
