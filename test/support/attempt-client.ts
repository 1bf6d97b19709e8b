import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import {
  type AskForIdTokens,
  type CommitSchema,
  type Fault,
  MintedIdTokensSchema,
  type RunAttemptRequest,
  RunAttemptRequestSchema,
  type RunAttemptResponse,
  RunnerService,
  type StartAttemptSchema,
} from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import { linesOf } from '../../src/contract/log/log-chunk.ts'
import { chunkFromProto, fromConnectError } from '../../src/contract/rpc/rpc.ts'
import { PushStream } from '../../src/lib/async/push-stream.ts'
import { NarwhalError } from '../../src/lib/errors.ts'
import { eventually } from './eventually.ts'
import type { GitRepository } from './git-repository.ts'
import { jobJson } from './job-json.ts'
import { RUNNER_TOKEN } from './tokens.ts'

export type RunnerClient = Client<typeof RunnerService>

export const runnerClient = (transport: Transport): RunnerClient =>
  createClient(RunnerService, transport)

/** The same at a runner's URL, with the token that it expects. */
export function runnerClientAt(baseUrl: string, token = RUNNER_TOKEN): RunnerClient {
  const authorize: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`)
    return next(request)
  }
  return runnerClient(createGrpcTransport({ baseUrl, interceptors: [authorize] }))
}

/** One conversation about an attempt, as a dispatcher would have it, controlled by the test. */
export class AttemptClient {
  readonly events: RunAttemptResponse[] = []
  /** How the stream ended: undefined while it is open, null when it ended well. */
  ended: NarwhalError | null | undefined
  /** Whether heartbeats are answered, which renews the lease. */
  confirms = true
  /** The time in every heartbeat. */
  readonly heartbeats: number[] = []
  readonly asks: AskForIdTokens[] = []
  readonly #requests = new PushStream<RunAttemptRequest>()
  readonly #abort = new AbortController()

  constructor(client: RunnerClient, start: MessageInitShape<typeof StartAttemptSchema>) {
    this.#request({ case: 'start', value: start })
    void this.#listen(client)
  }

  acknowledge(throughSeq = this.lastSeq): void {
    this.#request({ case: 'acknowledge', value: { throughSeq: BigInt(throughSeq) } })
  }

  /** Acknowledges only the heartbeat of this time of the runner's clock. */
  confirm(sentMs = this.heartbeats.at(-1) ?? 0): void {
    const value = { throughSeq: 0n, leaseSentMs: BigInt(sentMs) }
    this.#request({ case: 'acknowledge', value })
  }

  answer(value: MessageInitShape<typeof MintedIdTokensSchema>): void {
    this.#request({ case: 'idTokens', value: create(MintedIdTokensSchema, value) })
  }

  cancel(reason: string, endsCleanup = false): void {
    this.#request({ case: 'cancel', value: { reason, endsCleanup } })
  }

  /** As if the dispatcher had died. */
  break(): void {
    this.#abort.abort(new NarwhalError('unavailable', 'broken by the test'))
  }

  get lastSeq(): number {
    return Number(this.events.at(-1)?.seq ?? 0n)
  }

  /** Whose fault the end is, according to `finished`. */
  get fault(): Fault | undefined {
    const last = this.events.at(-1)?.event
    return last?.case === 'finished' ? last.value.fault : undefined
  }

  /** The events as texts: `started`, `log 0 stdout hello`, `stepFinished 0 1`, … */
  get words(): string[] {
    return this.events.flatMap(({ event }) => {
      switch (event.case) {
        case 'log':
          return linesOf(chunkFromProto(event.value)).map(
            ({ text }) => `log ${event.value.step} ${text}`,
          )
        case 'stepStarted':
          return [`step ${event.value.step}`]
        case 'stepFinished':
          return [`step ${event.value.step} ended ${outcomeWord(event.value)}`]
        case 'finished':
          return [`finished ${outcomeWord(event.value)}`]
        case 'started':
          return ['started']
        case 'phase':
        case 'heartbeat':
        case 'idTokensWanted':
        case undefined:
          return []
      }
    })
  }

  async untilEnded(): Promise<NarwhalError | null> {
    await eventually(() => this.ended !== undefined, { message: 'the end of the stream' })
    return this.ended ?? null
  }

  async untilFinished(): Promise<void> {
    await eventually(() => this.events.at(-1)?.event.case === 'finished', {
      message: 'the event finished',
    })
  }

  #request(request: MessageInitShape<typeof RunAttemptRequestSchema>['request']): void {
    this.#requests.push(create(RunAttemptRequestSchema, { request: request as never }))
  }

  async #listen(client: RunnerClient): Promise<void> {
    try {
      const options = { signal: this.#abort.signal }
      for await (const message of client.runAttempt(this.#requests, options)) {
        if (message.event.case === 'heartbeat') {
          this.heartbeats.push(Number(message.event.value.sentMs))
          if (this.confirms) this.confirm()
        } else if (message.event.case === 'idTokensWanted') {
          this.asks.push(message.event.value)
        } else {
          this.events.push(message)
        }
      }
      this.ended = null
    } catch (error) {
      this.ended = fromConnectError(error)
    }
  }
}

const OUTCOMES = ['?', 'success', 'failure', 'error', 'cancelled', 'timeout', 'skipped']

function outcomeWord({ outcome, reason }: { outcome: number; reason: string }): string {
  return reason === '' ? `${OUTCOMES[outcome]}` : `${OUTCOMES[outcome]}: ${reason}`
}

/** The head of a test repository, as orders have it. */
export async function headOf(
  repository: GitRepository,
): Promise<MessageInitShape<typeof CommitSchema>> {
  return {
    repositoryId: 'repo_1',
    repositoryName: 'acme/app',
    cloneUrl: repository.url.startsWith('http') ? repository.url : repository.path,
    ref: 'refs/heads/main',
    sha: await repository.head(),
  }
}

export type StartOrder = Exclude<MessageInitShape<typeof StartAttemptSchema>, { $typeName: string }>

export function orderOf(
  commit: MessageInitShape<typeof CommitSchema>,
  commands: readonly string[],
  more: Partial<StartOrder> = {},
): StartOrder {
  return {
    jobId: 'job_1',
    attempt: 1,
    fence: 1n,
    commit,
    job: jobJson({ env: { FROM: 'job' }, steps: commands.map((command) => ({ command })) }),
    env: { CI: 'true', FROM: 'dispatcher' },
    timeoutMs: 60_000n,
    ...more,
  }
}
