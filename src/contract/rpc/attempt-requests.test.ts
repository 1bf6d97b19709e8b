import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { anyJob, anyText } from '../../../test/support/any-plan.ts'
import { jobJson } from '../../../test/support/job-json.ts'
import { overTheWire } from '../../../test/support/over-the-wire.ts'
import { LEAST_LOG_BYTES, LOG_BYTES } from '../../core/attempt/log-limit.ts'
import { RunAttemptRequestSchema } from '../gen/narwhal/v1/runner_pb.js'
import { type AttemptRequest, requestFromProto, requestToProto } from './attempt-requests.ts'

const plain = { noNullPrototype: true } as const
const count = fc.nat(2 ** 31 - 1)
const large = fc.nat(Number.MAX_SAFE_INTEGER)
const map = fc.dictionary(fc.stringMatching(/^[A-Z_]{1,9}$/), anyText, { ...plain, maxKeys: 3 })
const ref = fc.record(
  { jobId: fc.constant('job_1' as const), attempt: fc.integer({ min: 1, max: 1000 }) },
  plain,
)
const lease = fc.record({ fence: large, leaseMs: count }, plain)
const commit = fc.record(
  {
    repositoryId: fc.constant('repo_1' as const),
    repositoryName: anyText,
    cloneUrl: anyText,
    ref: fc.constantFrom('refs/heads/main', 'refs/tags/v1', 'refs/pull/7/head'),
    sha: fc.stringMatching(/^[0-9a-f]{40}$/),
    isStranger: fc.boolean(),
  },
  plain,
)
const order = fc
  .record(
    {
      ref,
      commit,
      job: anyJob,
      env: map,
      secrets: map,
      notMasked: fc.array(anyText, { maxLength: 3 }),
      notes: fc.array(anyText, { maxLength: 3 }),
      withheldIdTokens: map,
      timeoutMs: large,
      cleanupMs: large,
      logBytes: fc.integer({ min: LEAST_LOG_BYTES, max: 2 ** 50 }),
    },
    plain,
  )
  .map(({ ref: of, ...rest }) => ({ ...of, ...rest }))
const token = fc.record({ name: anyText, token: anyText, lifetimeMs: count }, plain)
const trouble = fc.string({ unit: 'grapheme', minLength: 1 })
const answer = fc.oneof(
  fc.record({ ask: count, tokens: fc.array(token) }, plain),
  fc.record({ ask: count, trouble }, plain),
)

const anyRequest: fc.Arbitrary<AttemptRequest> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('start' as const), order, lease }, plain) },
  fc.record({ type: fc.constant('resume' as const), ref, lease, afterSeq: large }, plain),
  fc.record(
    { type: fc.constant('acknowledge' as const), throughSeq: large, leaseSentMs: large },
    { ...plain, requiredKeys: ['type', 'throughSeq'] },
  ),
  fc.record(
    {
      type: fc.constant('cancel' as const),
      reason: anyText,
      endsCleanup: fc.constant(true as const),
    },
    { ...plain, requiredKeys: ['type', 'reason'] },
  ),
  fc.record({ type: fc.constant('id_tokens' as const), answer }, plain),
)

const received = (message: Parameters<typeof overTheWire<typeof RunAttemptRequestSchema>>[1]) =>
  requestFromProto(overTheWire(RunAttemptRequestSchema, message))

test('whatever a dispatcher says on the stream of an attempt arrives as it was said', () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      assert.deepEqual(received(requestToProto(request)), request)
    }),
    { numRuns: 400 },
  )
})

test('a runner that resumes is not told the secrets, nor anything else of the job', () => {
  const request = requestToProto({
    type: 'resume',
    ref: { jobId: 'job_1', attempt: 1 },
    lease: { fence: 2, leaseMs: 0 },
    afterSeq: 7,
  })
  const start = request.request.case === 'start' ? request.request.value : undefined
  assert.deepEqual([start?.resume, start?.job, start?.secrets], [true, '', {}])
})

test('a request of a kind that only newer dispatchers know is none', () => {
  assert.equal(requestFromProto(create(RunAttemptRequestSchema)), undefined)
})

test('a dispatcher of a version before says nothing of the size of a log', () => {
  const start = { jobId: 'job_1', attempt: 1, job: JOB, commit: COMMIT }
  const request = received({ request: { case: 'start', value: start } })
  assert.equal(request?.type === 'start' && request.order.logBytes, LOG_BYTES)
})

const JOB = jobJson({})
const COMMIT = { repositoryId: 'repo_1', ref: 'refs/heads/main', sha: '0'.repeat(40) }

test('an order is refused of which a part can not be right', () => {
  const wrong = [
    { jobId: '../x', attempt: 1, job: JOB, commit: COMMIT },
    { jobId: 'job_1', attempt: 0, job: JOB, commit: COMMIT },
    { jobId: 'job_1', attempt: 0, resume: true },
    { jobId: 'job_1', attempt: 1, commit: COMMIT },
    { jobId: 'job_1', attempt: 1, job: JOB },
    { jobId: 'job_1', attempt: 1, job: JOB, commit: { ...COMMIT, sha: 'HEAD' } },
    { jobId: 'job_1', attempt: 1, job: JOB, commit: { ...COMMIT, ref: '--upload-pack=x' } },
    { jobId: 'job_1', attempt: 1, job: JOB, commit: { ...COMMIT, repositoryId: '../x' } },
    {
      jobId: 'job_1',
      attempt: 1,
      job: jobJson({ steps: [{ shell: 'csh' as 'sh' }] }),
      commit: COMMIT,
    },
  ]
  for (const value of wrong) {
    const words = JSON.stringify(value)
    assert.throws(() => received({ request: { case: 'start', value } }), { code: 'invalid' }, words)
  }
})
