import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '../../../lib/present.ts'
import { seccompFilter } from './seccomp-filter.ts'
import { systemCallsOf } from './system-calls.ts'

const ARCHITECTURES = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
const ALLOW = 0x7fff0000
const KILL = 0x80000000
const EPERM = 0x00050001
const ENOSYS = 0x00050026

/** Runs a filter on one call, as the kernel does. */
function answer(
  filter: Uint8Array,
  call: { architecture: number; number: number; first?: number },
) {
  const view = new DataView(filter.buffer)
  const data = new Map([
    [0, call.number],
    [4, call.architecture],
    [16, call.first ?? 0],
  ])
  let accumulator = 0
  for (let at = 0; at < filter.length / 8; at++) {
    const code = view.getUint16(at * 8, true)
    const [jt, jf] = [view.getUint8(at * 8 + 2), view.getUint8(at * 8 + 3)]
    const k = view.getUint32(at * 8 + 4, true)
    const jump = (isSo: boolean): void => void (at += isSo ? jt : jf)
    if (code === 0x20) accumulator = data.get(k) ?? assert.fail(`a word at ${k}`)
    else if (code === 0x15) jump(accumulator === k)
    else if (code === 0x35) jump(accumulator >= k)
    else if (code === 0x45) jump((accumulator & k) !== 0)
    else if (code === 0x06) return k
    else assert.fail(`instruction ${code}`)
  }
  return assert.fail('it ended without an answer')
}

for (const [name, architecture] of Object.entries(ARCHITECTURES)) {
  const filter = seccompFilter(name) ?? assert.fail()
  const { allowed, refused, checked } = systemCallsOf(name as keyof typeof ARCHITECTURES)
  const of = (number: number, first?: number): number =>
    answer(filter, { architecture, number, ...present({ first }) })

  test(`${name}: each call is answered as its table says, and all others are unknown`, () => {
    const special = new Set(Object.values(checked))
    for (let number = 0; number < 1_000; number++) {
      if (special.has(number)) continue
      const wanted = allowed.includes(number) ? ALLOW : refused.includes(number) ? EPERM : ENOSYS
      assert.equal(of(number), wanted, String(number))
    }
    for (const number of [0x3fffffff, 0x40000000, 0x40000027, 0xffffffff]) {
      assert.equal(of(number), ENOSYS)
    }
  })

  test(`${name}: arguments are examined where the answer depends on them`, () => {
    const threads = 0x3d0f00
    assert.equal(of(checked.clone, threads), ALLOW)
    assert.equal(of(checked.clone, 17), ALLOW)
    const namespaces = [
      0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
    ]
    for (const flag of namespaces) assert.equal(of(checked.clone, threads | flag), EPERM)
    assert.equal(of(checked.clone3), ENOSYS)
    assert.equal(of(checked.socket, 2), ALLOW)
    assert.equal(of(checked.socket, 40), EPERM)
    for (const kind of [0, 8, 0x20000, 0x20008, 0xffffffff]) {
      assert.equal(of(checked.personality, kind), ALLOW)
    }
    assert.equal(of(checked.personality, 0x40000), EPERM)
  })

  test(`${name}: calls of another architecture kill the process`, () => {
    for (const other of [0x40000003, 0x40000028, 0, 0xc000003e, 0xc00000b7]) {
      if (other === architecture) continue
      assert.equal(answer(filter, { architecture: other, number: allowed[0] ?? 0 }), KILL)
    }
  })

  test(`${name}: no call is in two tables`, () => {
    const all = [...allowed, ...refused, ...Object.values(checked)]
    assert.equal(new Set(all).size, all.length)
  })
}

test('there is no filter for an unknown architecture', () => {
  assert.equal(seccompFilter('riscv64'), undefined)
})
