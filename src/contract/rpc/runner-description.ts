import type { MessageInitShape } from '@bufbuild/protobuf'
import { type ContainerWay, soundWay } from '../../core/container-way.ts'
import { type FlawedTool, soundFlaws } from '../../core/flawed-tool.ts'
import { type JobNetworkRules, soundNetwork } from '../../core/job-network.ts'
import { type Engine, knownEngines } from '../../core/placement/placement.ts'
import type { DescribeResponse, DescribeResponseSchema } from '../gen/narwhal/v1/runner_pb.js'

/** A runner's description of itself, constant for the life of its process. */
export interface RunnerDescription {
  /** Changes with every start of the process. */
  readonly instanceId: string
  readonly name: string
  readonly labels: readonly string[]
  readonly slots: number
  readonly engines: readonly Engine[]
  /** Those that may run strangers' jobs. */
  readonly strangerEngines: readonly Engine[]
  readonly hardware?: {
    readonly cpus: number
    readonly memoryBytes: number
    readonly architecture: string
    readonly operatingSystem: string
  }
  readonly version: string
  readonly flawedTools: readonly FlawedTool[]
  /** Absent: not reported. */
  readonly jobNetwork?: JobNetworkRules
  /** Absent: not reported. */
  readonly containers?: ContainerWay
}

const LONGEST_TEXT = 100

export function descriptionToProto(
  description: RunnerDescription,
): MessageInitShape<typeof DescribeResponseSchema> {
  const { labels, engines, strangerEngines, hardware, ...others } = description
  const { flawedTools, jobNetwork, containers, ...rest } = others
  return {
    ...rest,
    labels: [...labels],
    engines: [...engines],
    strangerEngines: [...strangerEngines],
    ...(hardware && { hardware: { ...hardware, memoryBytes: BigInt(hardware.memoryBytes) } }),
    flawedTools: flawedTools.map((tool) => ({ ...tool, holes: [...tool.holes] })),
    ...(jobNetwork && {
      jobNetwork: {
        ...jobNetwork,
        holes: [...jobNetwork.holes],
        alsoPrivate: [...jobNetwork.alsoPrivate],
      },
    }),
    ...(containers && { containers: { ...containers, better: [...containers.better] } }),
  }
}

/** Bounds everything: it is shown to people, and runners are not trusted. */
export function descriptionFromProto(message: DescribeResponse): RunnerDescription {
  const { instanceId, name, labels, slots, hardware } = message
  const jobNetwork = soundNetwork(message.jobNetwork)
  const containers = soundWay(message.containers)
  return {
    instanceId: short(instanceId),
    name: short(name),
    labels,
    slots,
    engines: knownEngines(message.engines),
    strangerEngines: knownEngines(message.strangerEngines),
    ...(hardware && {
      hardware: {
        cpus: hardware.cpus,
        memoryBytes: Number(hardware.memoryBytes),
        architecture: short(hardware.architecture),
        operatingSystem: short(hardware.operatingSystem),
      },
    }),
    version: short(message.version),
    flawedTools: soundFlaws(message.flawedTools),
    ...(jobNetwork && { jobNetwork }),
    ...(containers && { containers }),
  }
}

function short(text: string): string {
  return text.slice(0, LONGEST_TEXT).toWellFormed()
}
