import { arch, availableParallelism, type as osType, totalmem } from 'node:os'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect'
import { commitFromProto } from '../contract/attempt.ts'
import { factsFromProto } from '../contract/event-facts.ts'
import {
  type DescribeResponseSchema,
  type PlanCommitRequest,
  type PlanCommitResponseSchema,
  RunnerService,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { includeSourceFromProto } from '../contract/include-source.ts'
import { planToProto } from '../contract/plan-messages.ts'
import { engineToProto, toConnectError } from '../contract/rpc.ts'
import { attemptRef, streamAttempt } from './attempt-stream.ts'
import type { Runner } from './runner.ts'
import { watchLoad } from './watch-load.ts'

/** Puts the runner behind `narwhal.v1.RunnerService`; every failure is a status code with words. */
export function runnerRoutes(runner: Runner): (router: ConnectRouter) => void {
  return (router) => void router.service(RunnerService, runnerService(runner))
}

/** What answers the calls of `narwhal.v1.RunnerService`. */
export function runnerService(runner: Runner): ServiceImpl<typeof RunnerService> {
  return {
    describe: () => describe(runner),

    watchLoad: async function* (request, { signal }) {
      for await (const load of watchLoad(runner, request.intervalMs, signal)) {
        yield {
          instanceId: runner.instanceId,
          atMs: BigInt(load.at),
          slots: runner.slots,
          busy: Math.min(load.busy, runner.slots),
          draining: load.draining,
          load: load.load,
          cpu: load.cpu,
          memoryUsedBytes: BigInt(load.memoryUsedBytes),
          memoryTotalBytes: BigInt(load.memoryTotalBytes),
          diskFreeBytes: BigInt(load.diskFreeBytes),
          trouble: load.trouble,
          orphans: load.orphans.map((orphan) => ({ ...orphan, fence: BigInt(orphan.fence) })),
        }
      }
    },

    planCommit: async (request, { signal }) => {
      try {
        return await planCommit(runner, request, signal)
      } catch (error) {
        throw toConnectError(error)
      }
    },

    runAttempt: async function* (requests, { signal }) {
      try {
        yield* streamAttempt(runner, requests, signal)
      } catch (error) {
        throw toConnectError(error)
      }
    },

    drain: ({ draining }) => {
      runner.drain(draining)
      return {}
    },

    discard: (request) => {
      try {
        runner.discard(attemptRef(request), Number(request.fence))
        return {}
      } catch (error) {
        throw toConnectError(error)
      }
    },

    probe: async () => ({ trouble: await runner.probe() }),
  }
}

async function planCommit(
  runner: Runner,
  request: PlanCommitRequest,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof PlanCommitResponseSchema>> {
  const commit = commitFromProto(request.commit)
  const facts = factsFromProto(request.facts)
  const sources = request.includeSources.map(includeSourceFromProto)
  const { file, ...planned } = await runner.plan({ commit, facts, sources }, signal)
  return {
    title: planned.title,
    author: planned.author,
    fetchMs: Math.round(planned.fetchMs),
    parseMs: Math.round(planned.parseMs),
    instanceId: runner.instanceId,
    ...(planned.target
      ? {
          target: {
            missing: [...planned.target.missing],
            mayFail: [...planned.target.mayFail],
            runsNothing: planned.target.runsNothing,
          },
        }
      : {}),
    ...(planned.changed
      ? {
          changed: {
            ...planned.changed,
            pipeline: [...planned.changed.pipeline],
            others: [...planned.changed.others],
          },
        }
      : {}),
    result: file.ok
      ? { case: 'plan', value: planToProto(file.plan) }
      : { case: 'problems', value: { problems: [...file.problems] } },
  }
}

async function describe(runner: Runner): Promise<MessageInitShape<typeof DescribeResponseSchema>> {
  const flawedTools = await runner.flawedTools
  return {
    instanceId: runner.instanceId,
    name: runner.name,
    labels: [...runner.labels],
    slots: runner.slots,
    engines: runner.engines.map(engineToProto),
    strangerEngines: runner.strangerEngines.map(engineToProto),
    hardware: {
      cpus: availableParallelism(),
      memoryBytes: BigInt(totalmem()),
      architecture: arch(),
      operatingSystem: osType(),
    },
    version: runner.version,
    flawedTools: flawedTools.map((tool) => ({ ...tool, holes: [...tool.holes] })),
  }
}
