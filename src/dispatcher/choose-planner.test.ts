import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Candidate } from '../core/placement/placement.ts'
import { choosePlanner } from './choose-planner.ts'

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
  return { candidate: () => candidate, wishes: { draining: draining ?? false, ...granted } }
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
