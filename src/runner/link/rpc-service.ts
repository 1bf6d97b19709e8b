import { arch, availableParallelism, type as osType, totalmem } from 'node:os'
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect'
import { RunnerService } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { messageToProto } from '../../contract/rpc/attempt-messages.ts'
import { requestFromProto } from '../../contract/rpc/attempt-requests.ts'
import { plannedToProto, planOrderFromProto } from '../../contract/rpc/planned-commit.ts'
import { toConnectError } from '../../contract/rpc/rpc.ts'
import {
  descriptionToProto,
  type RunnerDescription,
} from '../../contract/rpc/runner-description.ts'
import { orphanFromProto, reportToProto } from '../../contract/rpc/runner-report.ts'
import { mapStream } from '../../lib/async/map-stream.ts'
import { present } from '../../lib/present.ts'
import type { Runner } from '../runner.ts'
import { streamAttempt } from './attempt-stream.ts'
import { watchLoad } from './watch-load.ts'

/** Serves the runner as `narwhal.v1.RunnerService`; every failure has a status code and a message. */
export function runnerRoutes(runner: Runner): (router: ConnectRouter) => void {
  return (router) => void router.service(RunnerService, runnerService(runner))
}

/** The implementation of `narwhal.v1.RunnerService`. */
export function runnerService(runner: Runner): ServiceImpl<typeof RunnerService> {
  return {
    describe: async () => descriptionToProto(await describe(runner)),

    watchLoad: ({ intervalMs }, { signal }) =>
      mapStream(watchLoad(runner, intervalMs, signal), reportToProto),

    planCommit: async (request, { signal }) => {
      try {
        const planned = await runner.plan(planOrderFromProto(request), signal)
        return plannedToProto(planned, runner.instanceId)
      } catch (error) {
        throw toConnectError(error)
      }
    },

    runAttempt: async function* (requests, { signal }) {
      try {
        const messages = streamAttempt(runner, mapStream(requests, requestFromProto), signal)
        yield* mapStream(messages, messageToProto)
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
        runner.discard(orphanFromProto(request))
        return {}
      } catch (error) {
        throw toConnectError(error)
      }
    },

    probe: async () => ({ trouble: await runner.probe() }),
  }
}

async function describe(runner: Runner): Promise<RunnerDescription> {
  const { instanceId, name, labels, slots, engines, strangerEngines, version } = runner
  const hardware = {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    architecture: arch(),
    operatingSystem: osType(),
  }
  const flawedTools = await runner.flawedTools
  const capacity = { labels, slots, engines, strangerEngines, hardware }
  const { jobNetwork, containers } = runner
  const optional = present({ jobNetwork, containers })
  return { instanceId, name, ...capacity, version, flawedTools, ...optional }
}
