import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type {
  JobSpec,
  PipelinePlan,
  ReadyCheck,
  RunsOn,
  ServiceSpec,
  StepSpec,
} from '../../core/plan/plan.ts'
import { isShell } from '../../core/plan/shell.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import {
  type Clone as CloneMessage,
  type JobSpec as JobSpecMessage,
  JobSpecSchema,
  type PipelinePlan as PlanMessage,
  PipelinePlanSchema as PlanSchema,
  RunsOn as ProtoRunsOn,
  type Service as ServiceMessage,
  type ServiceSchema,
  type StepSpec as StepSpecMessage,
  type StepSpecSchema,
} from '../gen/narwhal/v1/runner_pb.js'
import { idTokensFromProto, idTokensToProto } from '../id-tokens/messages.ts'
import { concurrencyFromProto, concurrencyToProto } from './concurrency-messages.ts'
import { onlyIfFromProto, onlyIfToProto } from './expression-message.ts'
import { lookUp, outcomeFromProto, outcomeToProto } from './rpc.ts'

/** The plan between the generated messages and the domain. What a message leaves out is absent. */

const RUNS_ON: Record<RunsOn | 'success', ProtoRunsOn> = {
  success: ProtoRunsOn.UNSPECIFIED,
  failure: ProtoRunsOn.FAILURE,
  always: ProtoRunsOn.ALWAYS,
}

function runsOnFromProto(value: ProtoRunsOn): { runsOn?: RunsOn } {
  const word = lookUp(RUNS_ON, value, 'condition')
  return word === 'success' ? {} : { runsOn: word }
}

export function jobToProto(job: JobSpec): JobSpecMessage {
  const { name, image, env, needs, labels, steps, retry, resources, leftOut = '' } = job
  const memoryBytes = resources?.memoryBytes
  return create(JobSpecSchema, {
    name,
    ...present({ image }),
    env: { ...env },
    needs: [...needs],
    labels: [...labels],
    secrets: { ...job.secrets },
    idTokens: idTokensToProto(job.idTokens),
    steps: steps.map(stepToProto),
    timeoutMs: BigInt(job.timeoutMs ?? 0),
    priority: job.priority ?? 0,
    ...present({
      clone: job.clone && cloneToProto(job.clone),
      concurrency: job.concurrency && concurrencyToProto(job.concurrency),
    }),
    outputs: [...(job.outputs ?? [])],
    envOfNeeds: { ...job.envOfNeeds },
    allowFailure: job.allowFailure ?? false,
    ...present({ retry: retry && { count: retry.count, on: retry.on.map(outcomeToProto) } }),
    runsOn: RUNS_ON[job.runsOn ?? 'success'],
    ...(resources
      ? {
          resources: {
            ...present({ cpus: resources.cpus }),
            ...(memoryBytes === undefined ? {} : { memoryBytes: BigInt(memoryBytes) }),
          },
        }
      : {}),
    leftOut,
    ...present({ onlyIf: job.onlyIf && onlyIfToProto(job.onlyIf) }),
    optional: [...(job.optional ?? [])],
    noNetwork: job.network === 'none',
    services: (job.services ?? []).map(serviceToProto),
  })
}

function cloneToProto(clone: NonNullable<JobSpec['clone']>) {
  if (clone === 'none') return { none: true }
  const { depth = 0, submodules = false, lfs = false } = clone
  return { depth, submodules, lfs }
}

function cloneFromProto({
  none,
  depth,
  submodules,
  lfs,
}: CloneMessage): NonNullable<JobSpec['clone']> {
  if (none) return 'none'
  return {
    ...(depth === 0 ? {} : { depth }),
    ...(submodules ? { submodules } : {}),
    ...(lfs ? { lfs } : {}),
  }
}

function serviceToProto(service: ServiceSpec): MessageInitShape<typeof ServiceSchema> {
  const { name, image, env, command = [], ready } = service
  return {
    name,
    image,
    env: { ...env },
    command: [...command],
    ...present({ ready: ready && readyToProto(ready) }),
  }
}

function readyToProto(ready: ReadyCheck) {
  const timeoutMs = BigInt(ready.timeoutMs)
  return 'command' in ready
    ? { command: ready.command, timeoutMs }
    : { ports: [...ready.ports], timeoutMs }
}

function serviceFromProto(service: ServiceMessage): ServiceSpec {
  const { name, image, env, command, ready } = service
  return {
    name,
    image,
    env: { ...env },
    ...(command.length > 0 ? { command } : {}),
    ...present({ ready: ready && readyFromProto(ready) }),
  }
}

function readyFromProto({
  command,
  ports,
  timeoutMs,
}: NonNullable<ServiceMessage['ready']>): ReadyCheck {
  const within = { timeoutMs: Number(timeoutMs) }
  return command === '' ? { ...within, ports } : { ...within, command }
}

function stepToProto(step: StepSpec): MessageInitShape<typeof StepSpecSchema> {
  return {
    name: step.name,
    command: step.command,
    dependencies: [...step.dependencies],
    env: { ...step.env },
    workingDirectory: step.workingDirectory ?? '',
    shell: step.shell ?? '',
    timeoutMs: BigInt(step.timeoutMs ?? 0),
    retries: step.retries ?? 0,
    runsOn: RUNS_ON[step.runsOn ?? 'success'],
    allowFailure: step.allowFailure ?? false,
    envOfNeeds: { ...step.envOfNeeds },
    image: step.image ?? '',
    background: step.background ?? false,
  }
}

/** Throws `invalid` for words that are not known here. */
export function jobFromProto(job: JobSpecMessage): JobSpec {
  const { name, image, needs, labels, retry, resources } = job
  return {
    name,
    ...present({ image }),
    env: { ...job.env },
    needs,
    labels,
    ...(Object.keys(job.secrets).length > 0 ? { secrets: { ...job.secrets } } : {}),
    ...idTokensFromProto(job.idTokens),
    steps: job.steps.map(stepFromProto),
    ...(job.timeoutMs === 0n ? {} : { timeoutMs: Number(job.timeoutMs) }),
    ...(job.priority === 0 ? {} : { priority: job.priority }),
    ...present({
      clone: job.clone && cloneFromProto(job.clone),
      concurrency: job.concurrency && concurrencyFromProto(job.concurrency),
    }),
    ...(job.outputs.length > 0 ? { outputs: job.outputs } : {}),
    ...envOfNeedsFromProto(job),
    ...(job.allowFailure ? { allowFailure: true } : {}),
    ...present({ retry: retry && { count: retry.count, on: retry.on.map(outcomeFromProto) } }),
    ...runsOnFromProto(job.runsOn),
    ...present({ resources: resources && resourcesFromProto(resources) }),
    ...(job.leftOut === '' ? {} : { leftOut: job.leftOut }),
    ...present({ onlyIf: job.onlyIf && onlyIfFromProto(job.onlyIf) }),
    ...(job.optional.length > 0 ? { optional: job.optional } : {}),
    ...(job.noNetwork ? { network: 'none' } : {}),
    ...(job.services.length > 0 ? { services: job.services.map(serviceFromProto) } : {}),
  }
}

function resourcesFromProto({
  cpus,
  memoryBytes,
}: NonNullable<JobSpecMessage['resources']>): NonNullable<JobSpec['resources']> {
  return {
    ...present({ cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes: Number(memoryBytes) }),
  }
}

function stepFromProto(step: StepSpecMessage): StepSpec {
  const { name, command, dependencies, shell, workingDirectory, retries } = step
  if (shell !== '' && !isShell(shell)) {
    throw new NarwhalError('invalid', `the shell ${JSON.stringify(shell)} is not known here`)
  }
  return {
    name,
    command,
    dependencies,
    env: { ...step.env },
    ...(workingDirectory === '' ? {} : { workingDirectory }),
    ...(shell === '' ? {} : { shell }),
    ...(step.timeoutMs === 0n ? {} : { timeoutMs: Number(step.timeoutMs) }),
    ...(retries === 0 ? {} : { retries }),
    ...runsOnFromProto(step.runsOn),
    ...(step.allowFailure ? { allowFailure: true } : {}),
    ...envOfNeedsFromProto(step),
    ...(step.image === '' ? {} : { image: step.image }),
    ...(step.background ? { background: true } : {}),
  }
}

function envOfNeedsFromProto({ envOfNeeds }: { envOfNeeds: Record<string, string> }) {
  return Object.keys(envOfNeeds).length > 0 ? { envOfNeeds: { ...envOfNeeds } } : {}
}

export function planToProto(plan: PipelinePlan): PlanMessage {
  const { name, jobs, concurrency, included = [] } = plan
  return create(PlanSchema, {
    name,
    jobs: jobs.map(jobToProto),
    ...present({ concurrency: concurrency && concurrencyToProto(concurrency) }),
    included: included.map((one) => ({ ...one })),
  })
}

export function planFromProto(plan: PlanMessage): PipelinePlan {
  const { name, jobs, concurrency } = plan
  const included = plan.included.map(({ source, sha, digest }) => ({ source, sha, digest }))
  return {
    name,
    jobs: jobs.map(jobFromProto),
    ...present({ concurrency: concurrency && concurrencyFromProto(concurrency) }),
    ...(included.length > 0 ? { included } : {}),
  }
}
