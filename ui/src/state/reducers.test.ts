import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobView, PipelineView, RunnerSample } from '../../../src/contract/rest/views.ts'
import { linkTo } from '../api.ts'
import {
  filterQuery,
  formatFilter,
  matchesFilter,
  type PipelineFilter,
  parseFilter,
} from './pipeline-filter.ts'
import { NO_PIPELINES, reducePipelineList } from './pipeline-list.ts'
import { jobToShow, NO_PIPELINE, reducePipelinePage } from './pipeline-page.ts'
import { MOST_SAMPLES, NO_RUNNERS, reduceRunnerList } from './runner-list.ts'
import { durationOf, statusOf } from './status.ts'

/** What the API is asked for a filter. */
const asked = (filter: PipelineFilter) => linkTo('listPipelines', { query: filterQuery(filter) })

const pipeline = (n: number, more: Partial<PipelineView> = {}): PipelineView => ({
  id: `pipeline_${n}`,
  number: n,
  repositoryId: 'repo_1',
  repositoryName: 'acme/widgets',
  name: 'ci',
  status: 'running',
  problems: [],
  event: {
    id: 'event_1',
    kind: 'push',
    ref: 'refs/heads/main',
    sha: 'abc123'.padEnd(40, '0'),
    title: 'Fix the Frobnicator',
    author: 'Ada',
    source: 'webhook',
    receivedAt: 0,
  },
  phases: [],
  createdAt: n,
  ...more,
})

const job = (id: `job_${string}`, more: Partial<JobView> = {}): JobView => ({
  id,
  pipelineId: 'pipeline_1',
  name: id,
  needs: [],
  labels: [],
  stepNames: [],
  status: 'queued',
  attempt: 1,
  attempts: [],
  ...more,
})

test('a list takes in new pipelines at the top and changes the others in place', () => {
  const loaded = { pipelines: [pipeline(2), pipeline(1)], hasMore: false }
  let state = reducePipelineList(NO_PIPELINES, { type: 'loaded', key: 'all', loaded })
  state = reducePipelineList(state, { type: 'pipeline.changed', seq: 1, pipeline: pipeline(3) })
  const done = pipeline(1, { status: 'finished', outcome: 'success' })
  state = reducePipelineList(state, { type: 'pipeline.changed', seq: 2, pipeline: done })
  assert.deepEqual(
    state.pipelines.map((one) => [one.number, statusOf(one)]),
    [
      [3, 'running'],
      [2, 'running'],
      [1, 'success'],
    ],
  )
})

test('a next page comes behind what is there', () => {
  const first = { pipelines: [pipeline(3)], hasMore: true }
  const next = { pipelines: [pipeline(2), pipeline(1)], hasMore: false, isNextPage: true }
  let state = reducePipelineList(NO_PIPELINES, { type: 'loaded', key: 'all', loaded: first })
  state = reducePipelineList(state, { type: 'loaded', key: 'all', loaded: next })
  assert.deepEqual(
    state.pipelines.map(({ number }) => number),
    [3, 2, 1],
  )
  assert.equal(state.hasMore, false)
})

const ANY = parseFilter('')

test('a filter survives its way through the URL and decides as the API does', () => {
  const query = '?text=frob&status=running&repository=a%2Fb&ref=main&author=Ada&kind=tag'
  assert.equal(formatFilter(parseFilter(query)), query)
  const filter = parseFilter('?text=frob&status=running')
  assert.equal(asked(filter), '/api/v1/pipelines?text=frob&status=running')
  assert.equal(asked({ ...ANY, status: 'failure' }), '/api/v1/pipelines?outcome=failure')
  assert.deepEqual(parseFilter('?status=nonsense&kind=toString'), { ...ANY })
  assert.equal(matchesFilter(pipeline(1), filter), true)
  assert.equal(matchesFilter(pipeline(1), { ...ANY, text: 'ABC1' }), true)
  assert.equal(matchesFilter(pipeline(1), { ...ANY, ref: 'nowhere' }), false)
  assert.equal(matchesFilter(pipeline(1), { ...ANY, kind: 'tag' }), false)
  const done = pipeline(1, { status: 'finished', outcome: 'success' })
  assert.equal(matchesFilter(done, filter), false)
})

test("a pipeline's page ignores what belongs to others", () => {
  const loaded = { pipeline: pipeline(1), jobs: [job('job_1')], seq: 1 }
  const state = reducePipelinePage(NO_PIPELINE, { type: 'loaded', key: '1', loaded })
  const other = { type: 'pipeline.changed', seq: 2, pipeline: pipeline(2) } as const
  assert.equal(reducePipelinePage(state, other), state)
  const changed = job('job_1', { status: 'finished', outcome: 'failure' })
  const next = reducePipelinePage(state, { type: 'job.changed', seq: 3, job: changed })
  assert.deepEqual(next.jobs, [changed])
  const stale = { type: 'job.changed', seq: 2, job: job('job_1') } as const
  assert.equal(reducePipelinePage(next, stale), next)
})

test('shows what failed, else what runs, else the first job', () => {
  const [first, runs] = [job('job_1'), job('job_2', { status: 'running' })]
  const failed = job('job_3', { status: 'finished', outcome: 'failure' })
  assert.equal(jobToShow([first, runs, failed]), failed)
  assert.equal(jobToShow([first, runs]), runs)
  assert.equal(jobToShow([first]), first)
  assert.equal(jobToShow([]), undefined)
})

test('keeps the newest samples of each runner', () => {
  const sample = (at: number): RunnerSample => ({
    runnerId: 'runner_1',
    at,
    slots: 2,
    busy: 1,
    load: 0,
    cpu: 0,
    memoryUsedBytes: 0,
    memoryTotalBytes: 0,
    diskFreeBytes: 0,
  })
  let state = NO_RUNNERS
  for (let at = 1; at <= MOST_SAMPLES + 5; at++) {
    state = reduceRunnerList(state, { type: 'runner.sampled', sample: sample(at) })
  }
  const samples = state.samples['runner_1'] ?? []
  assert.equal(samples.length, MOST_SAMPLES)
  assert.equal(samples[0]?.at, 6)
  assert.equal(reduceRunnerList(state, { type: 'runner.sampled', sample: sample(3) }), state)
})

test('durations tick until the end', () => {
  assert.equal(durationOf({}, 10), undefined)
  assert.equal(durationOf({ startedAt: 4 }, 10), 6)
  assert.equal(durationOf({ startedAt: 4, finishedAt: 5 }, 10), 1)
})
