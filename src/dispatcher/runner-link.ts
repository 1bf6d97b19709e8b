import { type Client, createClient, type Transport } from '@connectrpc/connect'
import {
  type Commit,
  type DescribeResponse,
  type RunAttemptRequest,
  type RunAttemptResponse,
  RunnerService,
} from '../contract/gen/narwhal/v1/runner_pb.js'
import { engineFromProto, fromConnectError } from '../contract/rpc.ts'
import type { RunnerSample } from '../contract/views.ts'
import type { RunnerId } from '../core/ids.ts'
import type { Candidate } from '../core/placement/placement.ts'
import type { PipelinePlan, Problem } from '../core/plan.ts'
import { backoff } from '../lib/backoff.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { RunnerRecord } from '../store/records.ts'
import { planResult } from './plan-result.ts'
import { watchMembers } from './runner-members.ts'

/** A way to reach one runner; for a balancer's URL, one of those behind it. */
export interface Connection extends AsyncDisposable {
  readonly transport: Transport
}

/** Opens connections to a runner. A balanced one gets a new connection for each use. */
export interface Connector {
  readonly balanced: boolean
  connect(): Connection
}

export interface PlannedCommit {
  readonly result:
    | { readonly ok: true; readonly plan: PipelinePlan }
    | { readonly ok: false; readonly problems: readonly Problem[] }
  readonly title: string
  readonly author: string
  readonly fetchMs: number
  readonly parseMs: number
}

/** One runner behind a link, as it last told of itself. */
export interface Member {
  readonly instanceId: string
  readonly sample: Omit<RunnerSample, 'runnerId'>
  readonly draining: boolean
  readonly trouble: string
}

/**
 * The dispatcher's side of one registered runner: `offline` until one of its members tells its load,
 * then `online` or `draining`, and `offline` again as soon as none does. It reconnects by itself
 * for as long as it lives. Slots are counted as busy from the moment they are promised.
 */
export class RunnerLink implements AsyncDisposable {
  #record: RunnerRecord
  #reserved = 0
  #refusedUntilNews = false
  #drainWanted = false
  readonly #connector: Connector
  readonly #members = new Map<string, Member>()
  readonly #stop = new AbortController()
  readonly #onChange: (link: RunnerLink, sample?: RunnerSample) => void
  readonly #log: Logger
  readonly #watching: Promise<void>

  constructor(deps: {
    record: RunnerRecord
    connector: Connector
    log: Logger
    onChange: (link: RunnerLink, sample?: RunnerSample) => void
  }) {
    this.#record = { ...deps.record, state: 'offline', busy: 0, members: 0 }
    this.#drainWanted = deps.record.state === 'draining'
    this.#connector = deps.connector
    this.#onChange = deps.onChange
    this.#log = deps.log.child({ runner: deps.record.name })
    this.#watching = this.#watch()
  }

  get id(): RunnerId {
    return this.#record.id
  }

  get record(): RunnerRecord {
    return this.#record
  }

  get balanced(): boolean {
    return this.#connector.balanced
  }

  /** The runner as the placement sees it at this very moment. */
  candidate(): Candidate {
    const { id, name, labels, engines, slots, state } = this.#record
    const samples = [...this.#members.values()].map((member) => member.sample)
    const load = samples.reduce((sum, sample) => sum + sample.load, 0) / (samples.length || 1)
    const busy = this.#refusedUntilNews ? slots : this.#busy()
    return { runnerId: id, name, labels, engines, slots, busy, load, state }
  }

  /** Counts one slot as busy until the result is disposed. */
  reserve(): Disposable {
    let held = true
    this.#reserved++
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#reserved--
        this.#refresh()
      },
    }
  }

  /** Notes that the runner had no room after all; it gets nothing until it has told its load anew. */
  noteRefusal(): void {
    this.#refusedUntilNews = true
  }

  /** Rejects with what the runner says; `unavailable` also when it can't be reached. */
  async planCommit(commit: Commit, signal: AbortSignal): Promise<PlannedCommit> {
    return await this.#call(async (client) =>
      planResult(await client.planCommit({ commit }, { signal })),
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

  /**
   * Gives the runner no more attempts, or gives them again, and tells it so. Behind a balancer a
   * call reaches one of several: there it is enough that this side keeps to it.
   */
  async drain(draining: boolean): Promise<void> {
    this.#drainWanted = draining
    if (!this.balanced) {
      await this.#call((client) => client.drain({ draining }))
      // What the member said last is old news now; its next sample says the same as this.
      for (const [id, member] of this.#members) this.#members.set(id, { ...member, draining })
    }
    this.#refresh()
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

  /** Waits for members to tell their load; starts anew, ever more slowly, when the last is gone. */
  async #watch(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        const description = await this.#call((client) =>
          client.describe({}, { signal: this.#stop.signal, timeoutMs: 10_000 }),
        )
        this.#describe(description)
        if (this.#drainWanted) await this.drain(true)
        failures = 0
        await watchMembers({
          connector: this.#connector,
          signal: this.#stop.signal,
          onSample: (member) => this.#hear(member),
          onGone: (instanceId) => this.#lose(instanceId),
        })
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#note(describeError(error))
      }
      await backoff(failures, { firstMs: 100, maxMs: 5_000 }, this.#stop.signal).catch(() => {})
    }
  }

  #describe(description: DescribeResponse): void {
    const { hardware, labels, engines, version } = description
    this.#record = {
      ...this.#record,
      labels,
      engines: engines.map(engineFromProto),
      softwareVersion: version,
      ...(hardware && {
        hardware: {
          cpus: hardware.cpus,
          memoryBytes: Number(hardware.memoryBytes),
          architecture: hardware.architecture,
          operatingSystem: hardware.operatingSystem,
        },
      }),
    }
  }

  #hear(member: Member): void {
    this.#members.set(member.instanceId, member)
    this.#refusedUntilNews = false
    this.#refresh(member)
  }

  #lose(instanceId: string): void {
    this.#members.delete(instanceId)
    this.#refresh()
  }

  #note(reason: string): void {
    if (this.#record.reason !== reason) this.#log.warn({ reason }, 'runner can not be reached')
    this.#record = { ...this.#record, reason }
    this.#refresh()
  }

  #busy(): number {
    let told = 0
    for (const { sample } of this.#members.values()) told += sample.busy
    return Math.max(told, this.#reserved)
  }

  #refresh(heard?: Member): void {
    const members = [...this.#members.values()]
    const state =
      members.length === 0
        ? 'offline'
        : this.#drainWanted || members.every((member) => member.draining)
          ? 'draining'
          : 'online'
    const trouble = members.map((member) => member.trouble).find((words) => words !== '')
    const reason = state === 'offline' ? (this.#record.reason ?? 'not connected yet') : trouble
    const { reason: _, ...rest } = this.#record
    this.#record = {
      ...rest,
      state,
      members: members.length,
      slots: members.length
        ? members.reduce((sum, { sample, draining }) => sum + (draining ? 0 : sample.slots), 0)
        : rest.slots,
      busy: this.#busy(),
      ...(reason ? { reason } : {}),
      ...(heard ? { lastSeenAt: Date.now() } : {}),
    }
    this.#onChange(this, heard && { ...sumSamples(members), runnerId: this.id })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the dispatcher stops'))
    await this.#watching
  }
}

function sumSamples(members: readonly Member[]): Omit<RunnerSample, 'runnerId'> {
  const samples = members.map((member) => member.sample)
  const sum = (of: (sample: Omit<RunnerSample, 'runnerId'>) => number): number =>
    samples.reduce((total, sample) => total + of(sample), 0)
  return {
    at: Date.now(),
    slots: sum((sample) => sample.slots),
    busy: sum((sample) => sample.busy),
    load: sum((sample) => sample.load) / samples.length,
    cpu: sum((sample) => sample.cpu) / samples.length,
    memoryUsedBytes: sum((sample) => sample.memoryUsedBytes),
    memoryTotalBytes: sum((sample) => sample.memoryTotalBytes),
    diskFreeBytes: sum((sample) => sample.diskFreeBytes),
  }
}
