import fc from 'fast-check'
import type { IdTokenSpec } from '../../src/core/id-token/id-token.ts'
import { OUTCOMES } from '../../src/core/outcome.ts'
import type {
  CloneSpec,
  JobSpec,
  PipelinePlan,
  ReadyCheck,
  ServiceSpec,
  StepSpec,
} from '../../src/core/plan/plan.ts'
import { SHELL_NAMES } from '../../src/core/plan/shell.ts'

/** Plans with every feature; what is absent in one is absent, and never a default. */

export const anyText = fc.string({ unit: 'grapheme', maxLength: 20 })
const someText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const positive = fc.integer({ min: 1, max: 2 ** 31 })
const texts = fc.array(anyText, { maxLength: 3 })
const someTexts = fc.array(anyText, { minLength: 1, maxLength: 3 })
const yes = fc.constant(true as const)
const runsOn = fc.constantFrom('failure' as const, 'always' as const)
const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,9}$/)

const plain = { noNullPrototype: true } as const
const anyMap = <Value>(value: fc.Arbitrary<Value>) =>
  fc.dictionary(key, value, { ...plain, maxKeys: 3 })
const someMap = <Value>(value: fc.Arbitrary<Value>) =>
  fc.dictionary(key, value, { ...plain, minKeys: 1, maxKeys: 3 })

const anyStep: fc.Arbitrary<StepSpec> = fc.record(
  {
    name: anyText,
    command: anyText,
    dependencies: texts,
    env: anyMap(anyText),
    envOfNeeds: someMap(anyText),
    workingDirectory: someText,
    shell: fc.constantFrom(...SHELL_NAMES),
    timeoutMs: positive,
    retries: positive,
    runsOn,
    image: someText,
    background: yes,
    allowFailure: yes,
  },
  { ...plain, requiredKeys: ['name', 'command', 'dependencies', 'env'] },
)

const anyReady: fc.Arbitrary<ReadyCheck> = fc.oneof(
  fc.record({ timeoutMs: positive, command: someText }, plain),
  fc.record(
    {
      timeoutMs: positive,
      ports: fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 3 }),
    },
    plain,
  ),
)

const anyService: fc.Arbitrary<ServiceSpec> = fc.record(
  { name: anyText, image: anyText, env: anyMap(anyText), command: someTexts, ready: anyReady },
  { ...plain, requiredKeys: ['name', 'image', 'env'] },
)

const anyClone: fc.Arbitrary<'none' | CloneSpec> = fc.oneof(
  fc.constant('none' as const),
  fc.record({ depth: positive, submodules: yes, lfs: yes }, { ...plain, requiredKeys: [] }),
)

const anyIdToken: fc.Arbitrary<IdTokenSpec> = fc.record(
  {
    audience: fc.oneof(anyText, someTexts),
    lifetimeMs: positive,
    subject: fc.constant('job' as const),
    optional: yes,
  },
  { ...plain, requiredKeys: ['audience'] },
)

const anyGroup = fc.record(
  { group: anyText, limit: positive, cancelsSuperseded: yes },
  { ...plain, requiredKeys: ['group', 'limit'] },
)

export const anyJob: fc.Arbitrary<JobSpec> = fc.record(
  {
    name: anyText,
    image: anyText,
    env: anyMap(anyText),
    secrets: someMap(anyText),
    idTokens: someMap(anyIdToken),
    needs: texts,
    labels: texts,
    steps: fc.array(anyStep, { maxLength: 3 }),
    timeoutMs: positive,
    priority: fc.integer({ min: -100, max: 100 }).filter((one) => one !== 0),
    allowFailure: yes,
    retry: fc.record(
      { count: fc.nat(10), on: fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 3 }) },
      plain,
    ),
    runsOn,
    onlyIf: fc.constant({
      text: 'needs.a.outputs.b == "c"',
      expression: {
        kind: 'binary',
        operator: '==',
        left: { kind: 'name', name: 'needs.a.outputs.b', at: 0 },
        right: { kind: 'value', value: 'c' },
      },
    } as const),
    optional: someTexts,
    resources: fc.record(
      { cpus: fc.double({ min: 0.1, max: 64, noNaN: true }), memoryBytes: positive },
      { ...plain, requiredKeys: [] },
    ),
    network: fc.constant('none' as const),
    services: fc.array(anyService, { minLength: 1, maxLength: 2 }),
    clone: anyClone,
    outputs: someTexts,
    envOfNeeds: someMap(anyText),
    concurrency: anyGroup,
    leftOut: someText,
  },
  { ...plain, requiredKeys: ['name', 'env', 'needs', 'labels', 'steps'] },
)

/** Its jobs have unique names and need nothing, so that it could be run. */
export const anyPlan: fc.Arbitrary<PipelinePlan> = fc.record(
  {
    name: anyText,
    jobs: fc
      .array(anyJob, { minLength: 1, maxLength: 3 })
      .map((jobs) => jobs.map((job, index) => ({ ...job, name: `job ${index}`, needs: [] }))),
    concurrency: anyGroup,
    included: fc.array(fc.record({ source: anyText, sha: anyText, digest: anyText }, plain), {
      minLength: 1,
      maxLength: 2,
    }),
  },
  { ...plain, requiredKeys: ['name', 'jobs'] },
)
