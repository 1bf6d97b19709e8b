import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { anyText } from '../../../test/support/any-plan.ts'
import { overTheWire } from '../../../test/support/over-the-wire.ts'
import { JOB_NETWORK_KINDS } from '../../core/job-network.ts'
import {
  DescribeResponseSchema,
  DiscardRequestSchema,
  WatchLoadResponseSchema,
} from '../gen/narwhal/v1/runner_pb.js'
import {
  descriptionFromProto,
  descriptionToProto,
  type RunnerDescription,
} from './runner-description.ts'
import {
  orphanFromProto,
  orphanToProto,
  type RunnerReport,
  reportFromProto,
  reportToProto,
} from './runner-report.ts'

const plain = { noNullPrototype: true } as const
const bytes = fc.nat(Number.MAX_SAFE_INTEGER)
const figure = fc.double({ min: 0, max: 1e6, noNaN: true }).map(Math.abs)
const engines = fc.uniqueArray(
  fc.constantFrom('docker' as const, 'bubblewrap' as const, 'process' as const, 'fake' as const),
)
const orphan = fc.record(
  {
    jobId: fc.stringMatching(/^job_[0-9a-z]{1,20}$/) as fc.Arbitrary<`job_${string}`>,
    attempt: fc.integer({ min: 1, max: 1000 }),
    fence: bytes,
  },
  plain,
)

const anyReport: fc.Arbitrary<RunnerReport> = fc.record(
  {
    instanceId: anyText,
    draining: fc.boolean(),
    trouble: anyText,
    orphans: fc.array(orphan, { maxLength: 3 }),
    sample: fc.record(
      {
        at: fc.nat(2 ** 31),
        slots: fc.nat(1_000),
        busy: fc.nat(1_000),
        load: figure,
        cpu: figure,
        memoryUsedBytes: bytes,
        memoryTotalBytes: bytes,
        diskFreeBytes: bytes,
      },
      plain,
    ),
  },
  plain,
)

const anyDescription: fc.Arbitrary<RunnerDescription> = fc.record(
  {
    instanceId: anyText,
    name: anyText,
    labels: fc.array(anyText, { maxLength: 3 }),
    slots: fc.nat(1_000),
    engines,
    strangerEngines: engines,
    hardware: fc.record(
      { cpus: fc.nat(512), memoryBytes: bytes, architecture: anyText, operatingSystem: anyText },
      plain,
    ),
    version: anyText,
    flawedTools: fc.array(
      fc.record(
        { name: anyText, version: anyText, holes: fc.array(anyText, { maxLength: 2 }) },
        plain,
      ),
      { maxLength: 2 },
    ),
    jobNetwork: fc.record(
      {
        kind: fc.constantFrom(...JOB_NETWORK_KINDS),
        deniesPrivate: fc.boolean(),
        holes: fc.array(anyText, { maxLength: 2 }),
        alsoPrivate: fc.array(anyText, { maxLength: 2 }),
      },
      plain,
    ),
    containers: fc.record(
      { how: anyText.filter((text) => text !== ''), better: fc.array(anyText, { maxLength: 2 }) },
      plain,
    ),
  },
  {
    ...plain,
    requiredKeys: [
      'instanceId',
      'name',
      'labels',
      'slots',
      'engines',
      'strangerEngines',
      'version',
      'flawedTools',
    ],
  },
)

test('what a runner reports of its load arrives as it was reported', () => {
  fc.assert(
    fc.property(anyReport, (report) => {
      const arrived = overTheWire(WatchLoadResponseSchema, reportToProto(report))
      assert.deepEqual(reportFromProto(arrived), report)
    }),
    { numRuns: 200 },
  )
})

test('what a runner says of itself arrives as it was said', () => {
  fc.assert(
    fc.property(anyDescription, (description) => {
      const arrived = overTheWire(DescribeResponseSchema, descriptionToProto(description))
      assert.deepEqual(descriptionFromProto(arrived), description)
    }),
    { numRuns: 200 },
  )
})

test('an attempt that is to be forgotten arrives as it was named, or is refused', () => {
  fc.assert(
    fc.property(orphan, (one) => {
      const arrived = overTheWire(DiscardRequestSchema, orphanToProto(one))
      assert.deepEqual(orphanFromProto(arrived), one)
    }),
  )
  const wrong = { jobId: '../x', attempt: 1, fence: 1n }
  assert.throws(() => orphanFromProto(wrong), { code: 'invalid' })
})

test('of what a runner may say only what can be is kept', () => {
  const report = reportFromProto(
    create(WatchLoadResponseSchema, {
      instanceId: 'i'.repeat(10_000),
      slots: 4_000_000_000,
      load: Number.NaN,
      cpu: -1,
      trouble: `${'x'.repeat(499)}\u{1f40b}`,
      orphans: [
        { jobId: '../x', attempt: 1 },
        { jobId: 'job_1', attempt: 0 },
        ...Array.from({ length: 10_000 }, () => ({ jobId: 'job_2', attempt: 1 })),
      ],
    }),
  )
  assert.equal(report.instanceId.length, 100)
  const { slots, load, cpu } = report.sample
  assert.deepEqual({ slots, load, cpu }, { slots: 1_000, load: 0, cpu: 0 })
  assert.ok(report.trouble.isWellFormed() && report.trouble.length <= 500)
  assert.equal(report.orphans.length, 198)
  const newer = create(DescribeResponseSchema, { engines: ['firecracker', 'docker', 'docker'] })
  assert.deepEqual(descriptionFromProto(newer).engines, ['docker'])
  const long = create(DescribeResponseSchema, { version: 'v'.repeat(10_000) })
  assert.equal(descriptionFromProto(long).version.length, 100)
})
