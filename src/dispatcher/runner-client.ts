import { type Client, createClient } from '@connectrpc/connect'
import {
  type Commit,
  type DescribeResponse,
  type EventFacts,
  type IncludeSource,
  type RunAttemptRequest,
  type RunAttemptResponse,
  RunnerService,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { fromConnectError } from '../contract/rpc.ts'
import type { ChangedFiles } from '../core/changed-files.ts'
import type { PipelinePlan, Problem } from '../core/plan.ts'
import type { TargetJobs } from '../core/target-jobs.ts'
import type { Connector } from './connector.ts'
import { planResult } from './plan-result.ts'
import type { Orphan } from './runner-member.ts'

/** Which commit is to be planned, and what is known of its event. */
export interface PlanRequest {
  readonly commit: Commit
  readonly facts?: EventFacts
  readonly includeSources?: IncludeSource[]
}

export interface PlannedCommit {
  /** What the target branch's file asks for; absent: it is not known, or does not matter. */
  readonly target?: Pick<TargetJobs, 'missing' | 'mayFail' | 'runsNothing'>
  /** What a stranger's commit changes; absent: it is not known. */
  readonly changed?: ChangedFiles
  readonly result:
    | { readonly ok: true; readonly plan: PipelinePlan }
    | { readonly ok: false; readonly problems: readonly Problem[] }
  readonly title: string
  readonly author: string
  readonly fetchMs: number
  readonly parseMs: number
}

/** How long a runner may take to answer a small question, and to open a sandbox. */
const CALL_MS = 10_000
const PROBE_MS = 90_000

/**
 * What can be asked of a runner. Everything rejects with what the runner says, with `unavailable`
 * also when it can't be reached, and when the link to it ends.
 */
export class RunnerClient {
  readonly #connector: Connector
  readonly #end: AbortSignal

  constructor(connector: Connector, end: AbortSignal) {
    this.#connector = connector
    this.#end = end
  }

  async describe(): Promise<DescribeResponse> {
    return await this.#call((client) => client.describe({}, { signal: this.#within(CALL_MS) }))
  }

  async planCommit(request: PlanRequest, signal: AbortSignal): Promise<PlannedCommit> {
    return await this.#call(async (client) =>
      planResult(await client.planCommit(request, { signal })),
    )
  }

  /** Opens the stream of one attempt; the connection is the stream's own where it must be. */
  async *runAttempt(
    requests: AsyncIterable<RunAttemptRequest>,
    signal: AbortSignal,
  ): AsyncGenerator<RunAttemptResponse, void, undefined> {
    await using connection = this.#connector.connect()
    try {
      yield* createClient(RunnerService, connection.transport).runAttempt(requests, { signal })
    } catch (error) {
      throw fromConnectError(error)
    }
  }

  /** Has the runner take no new attempts, or take them again. */
  async drain(draining: boolean): Promise<void> {
    await this.#call((client) => client.drain({ draining }, { signal: this.#within(CALL_MS) }))
  }

  /** Has the runner forget an attempt that is over. */
  async discard({ jobId, attempt, fence }: Orphan): Promise<void> {
    const orphan = { jobId, attempt, fence: BigInt(fence) }
    await this.#call((client) => client.discard(orphan, { signal: this.#within(CALL_MS) }))
  }

  /** Has the runner open a sandbox; resolves with what is wrong, in words, or empty. */
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
