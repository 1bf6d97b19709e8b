import { z } from 'zod'
import { SELECTIONS } from '../../core/event-actions.ts'
import { OUTCOMES } from '../../core/outcome.ts'
import type { JobSpec, PipelinePlan } from '../../core/plan/plan.ts'
import { SHELL_NAMES } from '../../core/plan/shell.ts'
import { expression } from './expression-schema.ts'

/**
 * A plan as sent between runners and dispatchers. Unknown keys are dropped, so that newer runners and
 * dispatchers can be rolled out one at a time.
 */

const text = z.string().refine((one) => one.isWellFormed(), { error: 'must be Unicode' })
const someText = text.min(1)
const count = z.int().min(0)
const isSet = z.literal(true)
const texts = z.array(text)
const textByName = z.record(text, text)
const runsOn = z.enum(['failure', 'always'])

// Without `ofStrangers`: whose commit it is, the dispatcher decides.
const concurrency = z.object({
  group: text,
  limit: count.min(1),
  cancelsSuperseded: isSet.exactOptional(),
})

const step = z.object({
  name: text,
  command: text,
  dependencies: texts,
  env: textByName,
  envOfNeeds: textByName.exactOptional(),
  workingDirectory: someText.exactOptional(),
  shell: z.enum(SHELL_NAMES).exactOptional(),
  timeoutMs: count.exactOptional(),
  retries: count.exactOptional(),
  runsOn: runsOn.exactOptional(),
  image: someText.exactOptional(),
  background: isSet.exactOptional(),
  allowFailure: isSet.exactOptional(),
})

const readyCheck = z.union([
  z.object({ timeoutMs: count, command: someText }),
  z.object({ timeoutMs: count, ports: z.array(count.min(1).max(65_535)) }),
])

const service = z.object({
  name: text,
  image: text,
  env: textByName,
  command: texts.exactOptional(),
  ready: readyCheck.exactOptional(),
})

const clone = z.union([
  z.literal('none'),
  z.object({
    depth: count.min(1).exactOptional(),
    submodules: isSet.exactOptional(),
    lfs: isSet.exactOptional(),
  }),
])

const idToken = z.object({
  audience: z.union([text, texts]),
  lifetimeMs: count.exactOptional(),
  subject: z.literal('job').exactOptional(),
  optional: isSet.exactOptional(),
})

export const jobSpec = z.object({
  name: text,
  image: text.exactOptional(),
  pull: z.enum(['always', 'never']).exactOptional(),
  env: textByName,
  secrets: textByName.exactOptional(),
  idTokens: z.record(text, idToken).exactOptional(),
  needs: texts,
  labels: texts,
  steps: z.array(step),
  timeoutMs: count.exactOptional(),
  priority: z.int().exactOptional(),
  allowFailure: isSet.exactOptional(),
  retry: z.object({ count, on: z.array(z.enum(OUTCOMES)) }).exactOptional(),
  runsOn: runsOn.exactOptional(),
  onlyIf: z.object({ text, expression }).exactOptional(),
  optional: texts.exactOptional(),
  resources: z
    .object({ cpus: z.number().exactOptional(), memoryBytes: count.exactOptional() })
    .exactOptional(),
  network: z.literal('none').exactOptional(),
  services: z.array(service).exactOptional(),
  clone: clone.exactOptional(),
  outputs: texts.exactOptional(),
  envOfNeeds: textByName.exactOptional(),
  concurrency: concurrency.exactOptional(),
  leftOut: someText.exactOptional(),
}) satisfies z.ZodType<JobSpec>

export const pipelinePlan = z.object({
  name: text,
  jobs: z.array(jobSpec),
  concurrency: concurrency.exactOptional(),
  included: z.array(z.object({ source: text, sha: text, digest: text })).exactOptional(),
  selection: z.enum(SELECTIONS).exactOptional(),
}) satisfies z.ZodType<PipelinePlan>
