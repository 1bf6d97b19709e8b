import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Candidate } from '../placement/placement.ts'
import { choosePlanner, planShortage } from './choose-planner.ts'

interface Facts {
  readonly busy?: number
  readonly state?: Candidate['state']
  readonly draining?: boolean
  /** Granted by the token that it joined by. */
  readonly allowedLabels?: readonly string[]
}

function runner(name: string, { busy = 0, state = 'online', draining, allowedLabels }: Facts = {}) {
  const candidate: Candidate = {
    runnerId: `runner_${name}`,
    name,
    labels: [],
    engines: [],
    slots: 2,
    busy,
    load: 0,
    state,
  }
  const granted = allowedLabels ? { allowedLabels } : {}
  return { candidate: () => candidate, desired: { draining: draining ?? false, ...granted } }
}

const chosen = (...links: ReturnType<typeof runner>[]) => choosePlanner(links)?.candidate().name

test('the least busy of those that are online plans, the first of equals', () => {
  const [a, b] = [runner('a', { busy: 1 }), runner('b')]
  assert.equal(chosen(a, b, runner('c')), 'b')
  assert.equal(chosen(runner('off', { state: 'offline' }), a), 'a')
  assert.equal(chosen(), undefined)
})

test('what joined by a token plans nothing where the operator has a runner, busy or away', () => {
  const joined = runner('joined', { allowedLabels: [] })
  assert.equal(chosen(joined, runner('own', { busy: 2 })), 'own')
  for (const state of ['offline', 'set_aside', 'draining'] as const) {
    assert.equal(chosen(joined, runner('own', { state })), undefined, state)
  }
})

test('what joined by a token plans where there is nothing else, or the rest is drained', () => {
  const joined = runner('joined', { allowedLabels: ['far'] })
  assert.equal(chosen(joined), 'joined')
  assert.equal(chosen(joined, runner('own', { state: 'draining', draining: true })), 'joined')
})

test('a token that grants the label lets its runners plan, and then no other token does', () => {
  const granted = runner('granted', { allowedLabels: ['far', 'planner'], busy: 2 })
  const other = runner('other', { allowedLabels: ['far'] })
  assert.equal(chosen(other, granted), 'granted')
  assert.equal(chosen(other, granted, runner('own')), 'own')
  const away = runner('granted', { allowedLabels: ['planner'], state: 'offline' })
  assert.equal(chosen(other, away), undefined)
})

test('why nothing can be planned names the runners that could, and what to do', () => {
  const shortage = (...links: ReturnType<typeof runner>[]) =>
    planShortage(
      links.map((link) => ({
        ...link,
        record: { name: link.candidate().name, reason: 'it is gone' },
      })),
    )
  const joined = runner('joined', { allowedLabels: [] })
  const own = runner('own', { state: 'offline' })
  assert.equal(shortage(joined), undefined)
  assert.equal(shortage(), 'waits for a runner: none is registered, so start one')
  assert.equal(
    shortage(own),
    'waits for a runner that may read pipeline files: own is offline (it is gone); start one of them',
  )
  assert.match(
    shortage(joined, own) ?? '',
    /: own is offline \(it is gone\), and those online .* drain .* the label planner$/,
  )
  const many = Array.from({ length: 9 }, (_, i) => runner(`r${i}`, { state: 'set_aside' }))
  assert.match(shortage(...many) ?? '', /r0 is quarantined \(it is gone\), r1 .* and 6 more;/)
})
