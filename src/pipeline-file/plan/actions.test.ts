import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVENT_KINDS } from '../../core/commit-event.ts'
import { ALL_ACTIONS, EVENT_ACTIONS, type EventAction } from '../../core/event-actions.ts'
import type { PipelinePlan } from '../../core/plan/plan.ts'
import { type PlanFacts, SAMPLE_FACTS } from '../../core/plan/plan-facts.ts'
import type { RequestFacts } from '../../core/request-facts.ts'
import { parsePipelineFile } from '../parse-pipeline-file.ts'
import { showProblems } from '../show-problems.ts'

function plan(text: string, facts: Partial<PlanFacts>): PipelinePlan {
  const parsed = parsePipelineFile(text, { ...SAMPLE_FACTS, ...facts })
  assert.ok(parsed.ok, JSON.stringify(!parsed.ok && parsed.problems, null, 1))
  return parsed.plan
}

/** The jobs that run, and what of the file that is. */
function built(text: string, facts: Partial<PlanFacts>): [string, PipelinePlan['selection']] {
  const { jobs, selection } = plan(text, facts)
  const names = jobs.filter(({ leftOut }) => leftOut === undefined).map(({ name }) => name)
  return [names.join(' '), selection]
}

const pull = { event: 'pull_request', ref: 'refs/pull/7/head', targetBranch: 'main' } as const
const labeled = { ...pull, actions: ['labeled'], request: { labels: ['e2e', 'bug'] } } as const

test('a file that names no action is built for what brings a commit, and for nothing else', () => {
  const file = `
jobs:
  plain: { steps: [x] }
  of: { when: { event: pull_request, branch: main }, steps: [x] }
  any: { when: [{ label: e2e }, { expression: 'action != "opened"' }], steps: [x] }
`
  for (const event of EVENT_KINDS) {
    const actions = EVENT_ACTIONS[event]
    for (const action of actions) {
      const [jobs, selection] = built(file, { ...pull, event, actions: [action] })
      const isUsual = ['opened', 'synchronized', 'reopened'].includes(action)
      assert.equal(selection, isUsual ? undefined : 'nothing', action)
      assert.equal(jobs.includes('plain of'), isUsual, action)
    }
    if (actions.length === 0) {
      assert.deepEqual(built('steps: [x]', { event }), ['main', undefined], event)
    }
  }
  // Found by polling.
  assert.deepEqual(built('steps: [x]', pull), ['main', undefined])
  assert.match(plan(file, labeled).jobs[0]?.leftOut ?? '', /only runs what names it/)
})

test('a job that names an action runs alone, and a file that names it as a whole', () => {
  const jobs = `
jobs:
  a: { steps: [x] }
  b: { when: { action: [opened, labeled] }, steps: [{ command: y, when: { branch: main } }] }
  c: { when: [{ branch: main }, { action: labeled, label: docs }], steps: [x] }
`
  assert.deepEqual(built(jobs, labeled), ['b', 'part'])
  const added = { ...labeled, request: { ...labeled.request, addedLabels: ['docs'] } }
  assert.deepEqual(built(jobs, added), ['b c', 'part'])
  const top = 'when: { event: pull_request, action: [opened, synchronized, labeled] }'
  assert.deepEqual(built(`${top}${jobs}`, labeled), ['a b c', 'whole'])
  // Its other conditions must hold as well.
  assert.deepEqual(built(`when: { action: labeled, branch: x }${jobs}`, labeled), ['', 'nothing'])
  assert.deepEqual(built('when: { action: labeled }\nsteps: [x]', labeled), ['main', 'whole'])
})

test('merge groups and releases are built by files that name them', () => {
  const ref = 'refs/heads/gh-readonly-queue/main/pr-1-a'
  const group = { event: 'merge_group', ref, targetBranch: 'main' } as const
  const facts = { ...group, actions: ['checks_requested'] } as const
  const of = (when: string, more: Partial<PlanFacts> = facts) =>
    built(`when: ${when}\nsteps: [x]`, more)[0]
  assert.equal(of('{ event: [pull_request, merge_group] }'), 'main')
  assert.equal(of('{ event: merge_group, branch: main, action: checks_requested }'), 'main')
  assert.equal(of('{ event: merge_group, branch: dev }'), '')
  assert.equal(of('{ branch: main }'), '')
  const release = { event: 'release', ref: 'refs/tags/v1', actions: ['published'] } as const
  assert.equal(of("{ event: release, tag: 'v*' }", release), 'main')
  assert.equal(of("{ tag: 'v*' }", release), '')
})

test('knows what happened: labels that came or went, a merge, the branch before', () => {
  const of = (when: string, actions: readonly EventAction[], request: RequestFacts = {}) =>
    plan(`when: ${when}\nsteps: [x]`, { ...pull, actions, request }).jobs[0]?.leftOut
  const labels = ['bug', 'e2e']
  const added = { labels, addedLabels: ['bug'] }
  assert.equal(of('{ action: labeled, label: bug }', ['labeled'], added), undefined)
  assert.match(of('{ action: labeled, label: e2e }', ['labeled'], added) ?? '', /no label matches/)
  const removed = { labels, removedLabels: ['wip'] }
  assert.equal(of('{ action: unlabeled, label: wip }', ['unlabeled'], removed), undefined)
  assert.match(of('{ action: unlabeled, label: bug }', ['unlabeled'], removed) ?? '', /no label/)
  assert.match(of('{ action: unlabeled, label: x }', ['unlabeled'], { labels }) ?? '', /unknown/)
  const both = { labels, addedLabels: ['bug'], removedLabels: ['wip'] }
  assert.match(
    of('{ action: labeled, label: wip }', ['labeled', 'unlabeled'], both) ?? '',
    /no label/,
  )
  assert.equal(of('{ action: [opened, labeled], label: e2e }', ['opened'], { labels }), undefined)
  const merged = '{ action: closed, merged: true }'
  assert.equal(of(merged, ['closed'], { merged: true }), undefined)
  assert.match(of(merged, ['closed'], { merged: false }) ?? '', /no pull request was merged/)
  assert.match(of(merged, ['closed']) ?? '', /has not reported whether/)
  const moved = '{ action: edited, expression: \'former_branch != ""\' }'
  assert.equal(of(moved, ['edited'], { formerBranch: 'dev' }), undefined)
  assert.match(of(moved, ['edited']) ?? '', /is not true/)
})

test('what a poll has found may have been any of what brings a commit', () => {
  const of = (action: string) =>
    plan(`when: { action: ${action} }\nsteps: [x]`, pull).jobs[0]?.leftOut
  assert.equal(of('[opened, synchronized, reopened, labeled]'), undefined)
  assert.match(of('[opened, synchronized]') ?? '', /is unknown/)
})

test('words of other systems are refused with ours', () => {
  const problem = (action: string) =>
    showProblems(`when: { action: ${action} }\nsteps: [x]`).replaceAll(/\n {2}\|.*/g, '')
  assert.match(problem('synchronize'), /action must be synchronized/)
  assert.match(problem('[opened, merged]'), /action\[1\] must be closed, with merged: true/)
  assert.match(problem('toString'), new RegExp(`must be one of ${ALL_ACTIONS.join(', ')}`))
})
