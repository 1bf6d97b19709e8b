import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { anyPlan, anyText } from '../../../test/support/any-plan.ts'
import { planJson } from '../../../test/support/job-json.ts'
import { overTheWire } from '../../../test/support/over-the-wire.ts'
import { EVENT_KINDS } from '../../core/commit-event.ts'
import { ALL_ACTIONS } from '../../core/event-actions.ts'
import { PlanCommitRequestSchema, PlanCommitResponseSchema } from '../gen/narwhal/v1/runner_pb.js'
import { factsFromProto } from './event-facts.ts'
import {
  type PlannedCommit,
  type PlanOrder,
  plannedFromProto,
  plannedToProto,
  planOrderFromProto,
  planOrderToProto,
} from './planned-commit.ts'

const plain = { noNullPrototype: true } as const
const someText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const texts = fc.array(anyText, { maxLength: 3 })
const repositoryId = fc.constant('repo_1' as const)
const sha = fc.stringMatching(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)

const anyOrder: fc.Arbitrary<PlanOrder> = fc.record(
  {
    commit: fc.record(
      {
        repositoryId,
        repositoryName: anyText,
        cloneUrl: anyText,
        ref: fc.constantFrom('refs/heads/main', 'refs/tags/v1'),
        sha,
        isStranger: fc.boolean(),
      },
      plain,
    ),
    facts: fc.record(
      {
        event: fc.constantFrom(...EVENT_KINDS),
        actions: fc.uniqueArray(fc.constantFrom(...ALL_ACTIONS), { minLength: 1, maxLength: 3 }),
        title: anyText,
        author: anyText,
        isStranger: fc.boolean(),
        base: sha,
        targetBranch: someText,
        request: fc.record(
          {
            labels: texts,
            draft: fc.boolean(),
            milestone: anyText,
            merged: fc.boolean(),
            addedLabels: texts,
            removedLabels: texts,
            formerBranch: anyText,
          },
          { ...plain, requiredKeys: [] },
        ),
        inputs: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), anyText, { ...plain, maxKeys: 3 }),
        jobs: fc.array(anyText, { minLength: 1, maxLength: 3 }),
        from: someText,
      },
      { ...plain, requiredKeys: ['event', 'title', 'author', 'isStranger', 'inputs'] },
    ),
    sources: fc.array(fc.record({ name: anyText, repositoryId, cloneUrl: anyText }, plain), {
      maxLength: 2,
    }),
  },
  plain,
)

const anyProblem = fc.record(
  { message: anyText, file: someText, line: fc.nat(999), column: fc.nat(999), excerpt: anyText },
  { ...plain, requiredKeys: ['message', 'line', 'column', 'excerpt'] },
)

const anyPlanned: fc.Arbitrary<PlannedCommit> = fc.record(
  {
    file: fc.oneof(
      fc.record({ ok: fc.constant(true as const), plan: anyPlan }, plain),
      fc.record(
        { ok: fc.constant(false as const), problems: fc.array(anyProblem, { maxLength: 3 }) },
        plain,
      ),
    ),
    target: fc.record({ missing: texts, mayFail: texts, runsNothing: fc.boolean() }, plain),
    changed: fc.record(
      { pipeline: texts, others: texts, total: fc.integer({ min: 6, max: 99 }) },
      plain,
    ),
    note: fc.constantFrom('all conditions on paths hold', 'a path: größer'),
    title: anyText,
    author: anyText,
    fetchMs: fc.nat(100_000),
    parseMs: fc.nat(100_000),
  },
  { ...plain, requiredKeys: ['file', 'title', 'author', 'fetchMs', 'parseMs'] },
)

test('whatever is to be planned arrives as it was asked', () => {
  fc.assert(
    fc.property(anyOrder, (order) => {
      const arrived = overTheWire(PlanCommitRequestSchema, planOrderToProto(order))
      assert.deepEqual(planOrderFromProto(arrived), order)
    }),
    { numRuns: 200 },
  )
})

test('whatever a runner has planned arrives as it was answered', () => {
  fc.assert(
    fc.property(anyPlanned, (planned) => {
      const arrived = overTheWire(PlanCommitResponseSchema, plannedToProto(planned, 'instance'))
      assert.deepEqual(plannedFromProto(arrived), planned)
    }),
    { numRuns: 400 },
  )
})

test('a dispatcher that says nothing of the event has a push of a stranger planned', () => {
  const facts = { event: 'push', title: '', author: '', isStranger: true, inputs: {} }
  assert.deepEqual(factsFromProto(undefined), facts)
})

function resultOf(jobs: readonly { name: string; needs?: string[] }[]) {
  const result = { case: 'plan', value: planJson(jobs) } as const
  return plannedFromProto(create(PlanCommitResponseSchema, { result }))
}

test('refuses a plan that could never end', () => {
  const never = [
    [],
    [{ name: 'a', needs: ['b'] }],
    [{ name: 'a' }, { name: 'a' }],
    [
      { name: 'a', needs: ['b'] },
      { name: 'b', needs: ['a'] },
    ],
  ]
  for (const jobs of never) {
    assert.throws(() => resultOf(jobs), { code: 'invalid' }, JSON.stringify(jobs))
  }
  assert.equal(resultOf([{ name: 'b', needs: ['a'] }, { name: 'a' }]).file.ok, true)
})
