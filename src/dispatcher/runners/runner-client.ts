import { type Client, createClient } from '@connectrpc/connect'
import { RunnerService } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { type AttemptMessage, messageFromProto } from '../../contract/rpc/attempt-messages.ts'
import { type AttemptRequest, requestToProto } from '../../contract/rpc/attempt-requests.ts'
import {
  type PlannedCommit,
  type PlanOrder,
  plannedFromProto,
  planOrderToProto,
} from '../../contract/rpc/planned-commit.ts'
import { fromConnectError } from '../../contract/rpc/rpc.ts'
import {
  descriptionFromProto,
  type RunnerDescription,
} from '../../contract/rpc/runner-description.ts'
import { type Orphan, orphanToProto } from '../../contract/rpc/runner-report.ts'
import type { ReceivedEvent } from '../../core/attempt/attempt-event.ts'
import { mapStream } from '../../lib/async/map-stream.ts'
import type { Connector } from './connector.ts'

/** The timeouts of a short call, and of opening a sandbox. */
const CALL_MS = 10_000
const PROBE_MS = 90_000

/**
 * Calls a runner. All methods reject with the runner's error, or with `unavailable` if it is unreachable or
 * the link ends.
 */
export class RunnerClient {
  readonly #connector: Connector
  readonly #end: AbortSignal

  constructor(connector: Connector, end: AbortSignal) {
    this.#connector = connector
    this.#end = end
  }

  async describe(): Promise<RunnerDescription> {
    return await this.#call(async (client) =>
      descriptionFromProto(await client.describe({}, { signal: this.#within(CALL_MS) })),
    )
  }

  async planCommit(order: PlanOrder, signal: AbortSignal): Promise<PlannedCommit> {
    return await this.#call(async (client) =>
      plannedFromProto(await client.planCommit(planOrderToProto(order), { signal })),
    )
  }

  /** Opens the stream of one attempt, on its own connection if the connector is balanced. */
  async *runAttempt(
    requests: AsyncIterable<AttemptRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<AttemptMessage<ReceivedEvent>, void, undefined> {
    await using connection = this.#connector.connect()
    try {
      const client = createClient(RunnerService, connection.transport)
      const messages = client.runAttempt(mapStream(requests, requestToProto), { signal })
      yield* mapStream(messages, messageFromProto)
    } catch (error) {
      throw fromConnectError(error)
    }
  }

  /** Makes the runner accept no new attempts, or accept them again. */
  async drain(draining: boolean): Promise<void> {
    await this.#call((client) => client.drain({ draining }, { signal: this.#within(CALL_MS) }))
  }

  /** Makes the runner drop a stale attempt. */
  async discard(orphan: Orphan): Promise<void> {
    const request = orphanToProto(orphan)
    await this.#call((client) => client.discard(request, { signal: this.#within(CALL_MS) }))
  }

  /** Makes the runner open a sandbox; resolves with what is wrong, as a message, or empty. */
  async probe(): Promise<string> {
    const signal = this.#within(PROBE_MS)
    return (await this.#call((client) => client.probe({}, { signal }))).trouble
  }

  #within(ms: number): AbortSignal {
    return AbortSignal.any([this.#end, AbortSignal.timeout(ms)])
  }

  async #call<Answer>(
    call: (client: Client<typeof RunnerService>) => Promise<Answer>,
  ): Promise<Answer> {
    await using connection = this.#connector.connect()
    try {
      return await call(createClient(RunnerService, connection.transport))
    } catch (error) {
      throw fromConnectError(error)
    }
  }
}
