import type { Duplex } from 'node:stream'
import type { RunnerSample } from '../../contract/rest/views.ts'
import type { RunnerDescription } from '../../contract/rpc/runner-description.ts'
import type { Orphan, RunnerReport } from '../../contract/rpc/runner-report.ts'
import type { RunnerId } from '../../core/ids.ts'
import type { Candidate } from '../../core/placement/placement.ts'
import { grantsOf } from '../../core/runner/grants.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { type DesiredState, labelsOf, runnerState } from '../../core/runner/runner-state.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { Connector } from './connector.ts'
import { RunnerClient } from './runner-client.ts'
import { enginesOf, sumSamples } from './runner-member.ts'
import { watchMembers } from './runner-members.ts'

export interface RunnerLinkDeps {
  readonly record: Runner
  readonly connector: Connector
  readonly log: Logger
  readonly onChange: (link: RunnerLink, sample?: RunnerSample) => void
  readonly onOrphans: (link: RunnerLink, orphans: readonly Orphan[]) => void
}

/**
 * The dispatcher's side of one registered runner: `offline` until one of its members reports its load, then
 * `online`, or `set_aside` or `draining` by the desired state, and `offline` again when all members are lost.
 * It reconnects until disposed. Slots count as busy from their reservation.
 */
export class RunnerLink implements AsyncDisposable {
  #record: Runner
  #reserved = 0
  #isFullUntilReport = false
  #candidate: Candidate | undefined
  #desired: DesiredState
  #offlineReason = 'not connected yet'
  readonly #deps: RunnerLinkDeps
  readonly client: RunnerClient
  readonly #members = new Map<string, RunnerReport>()
  readonly #stop = new AbortController()
  readonly #log: Logger
  /** Aborts to end the back-off early. */
  #retryNow = new AbortController()
  readonly #watching: Promise<void>

  constructor(deps: RunnerLinkDeps) {
    this.#record = { ...deps.record, state: 'offline', busy: 0, members: 0 }
    this.#desired = deps.record
    this.#deps = deps
    this.client = new RunnerClient(deps.connector, this.#stop.signal)
    this.#log = deps.log.child({ runner: deps.record.name })
    this.#watching = this.#watch()
  }

  get id(): RunnerId {
    return this.#record.id
  }

  get record(): Runner {
    return this.#record
  }

  get balanced(): boolean {
    return this.#deps.connector.balanced
  }

  /** The runner as placement sees it now; the same object until that changes. */
  candidate(): Candidate {
    this.#candidate ??= this.#describeCandidate()
    return this.#candidate
  }

  #describeCandidate(): Candidate {
    const { id, name, labels, engines, strangerEngines = [], slots, state } = this.#record
    const samples = [...this.#members.values()].map((member) => member.sample)
    const load = samples.reduce((sum, sample) => sum + sample.load, 0) / (samples.length || 1)
    const busy = this.#isFullUntilReport ? slots : this.#busy()
    const takesStrangers = strangerEngines.length > 0
    const grants = grantsOf(this.#record, this.#desired.allowedLabels)
    return { runnerId: id, name, labels, engines, takesStrangers, grants, slots, busy, load, state }
  }

  /** Counts one slot as busy until the result is disposed. */
  reserve(): Disposable {
    let held = true
    this.#reserved++
    this.#candidate = undefined
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#reserved--
        this.#refresh()
      },
    }
  }

  /** The runner had no room after all: it gets nothing until it has reported its load again. */
  onRefused(): void {
    this.#isFullUntilReport = true
    this.#candidate = undefined
  }

  /** Takes over the socket of an attached runner; throws `conflict` if it is of another kind. */
  accept(socket: Duplex): void {
    const { connector } = this.#deps
    if (!connector.accept) {
      const words = `runner ${this.#record.name} is registered as dialled: it can't attach itself`
      throw new NarwhalError('conflict', words)
    }
    connector.accept(socket)
    this.#retryNow.abort()
  }

  get desired(): DesiredState {
    return this.#desired
  }

  /** Whether it was disposed: the runner was removed, or has a new link. */
  get isClosed(): boolean {
    return this.#stop.signal.aborted
  }

  /**
   * Sets the desired state; resolves when the runner was notified of a changed `draining`, or that has
   * failed. Behind a balancer a call would reach only one of several: there it is enough that this side
   * assigns no jobs.
   */
  async setDesired(desired: DesiredState): Promise<void> {
    const drain = desired.draining !== this.#desired.draining
    const isSame = !drain && desired.asideReason === this.#desired.asideReason
    this.#desired = desired
    if (isSame) return
    this.#refresh()
    if (drain) await this.#sendDrain()
  }

  async #sendDrain(): Promise<void> {
    if (this.balanced) return
    const { draining } = this.#desired
    try {
      await this.client.drain(draining)
      // The members' last reports are stale now; the next ones will say the same as this.
      for (const [id, member] of this.#members) this.#members.set(id, { ...member, draining })
      this.#refresh()
    } catch (error) {
      // Sent again with the next connection; until then it gets no jobs from here anyway.
      this.#log.debug({ reason: describeError(error) }, 'draining a runner failed')
    }
  }

  /** Watches the members' load; starts again, with back-off, when the last one is lost. */
  async #watch(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        this.#describe(await this.client.describe())
        if (this.#desired.draining) void this.#sendDrain()
        failures = 0
        await watchMembers({
          connector: this.#deps.connector,
          signal: this.#stop.signal,
          onSample: (member) => this.#onReport(member),
          onGone: (instanceId) => this.#onLost(instanceId),
        })
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#onUnreachable(describeError(error))
      }
      const either = AbortSignal.any([this.#stop.signal, this.#retryNow.signal])
      await backoff(failures, { firstMs: 100, maxMs: 5_000 }, either).catch(() => {})
      this.#retryNow = new AbortController()
    }
  }

  #describe(description: RunnerDescription): void {
    this.#candidate = undefined
    const { hardware, engines, strangerEngines, flawedTools, version } = description
    const { jobNetwork, containers } = description
    const labels = labelsOf(description.labels, this.#desired)
    const refused = description.labels.length - labels.length
    if (refused > 0)
      this.#log.warn({ refused }, "labels dropped: not granted by the runner's token")
    this.#record = {
      ...this.#record,
      labels,
      engines,
      strangerEngines,
      flawedTools,
      softwareVersion: version,
      ...(hardware && { hardware: { ...hardware, ...present({ jobNetwork, containers }) } }),
    }
  }

  #onReport(member: RunnerReport): void {
    this.#members.set(member.instanceId, member)
    this.#isFullUntilReport = false
    this.#refresh(member)
    if (member.orphans.length > 0) this.#deps.onOrphans(this, member.orphans)
  }

  #onLost(instanceId: string): void {
    this.#members.delete(instanceId)
    this.#offlineReason = 'it no longer answers'
    this.#refresh()
  }

  #onUnreachable(reason: string): void {
    if (this.#offlineReason !== reason) this.#log.warn({ reason }, 'runner unreachable')
    this.#offlineReason = reason
    this.#refresh()
  }

  #busy(): number {
    let reported = 0
    for (const { sample } of this.#members.values()) reported += sample.busy
    return Math.max(reported, this.#reserved)
  }

  #refresh(report?: RunnerReport): void {
    this.#candidate = undefined
    const members = [...this.#members.values()]
    const state = runnerState(members, this.#desired)
    const engines = enginesOf(members)
    const trouble = members.map((member) => member.trouble).find((words) => words !== '')
    const { asideReason } = this.#desired
    const reason =
      state === 'offline' ? this.#offlineReason : state === 'set_aside' ? asideReason : trouble
    const { reason: _, ...rest } = this.#record
    this.#record = {
      ...rest,
      state,
      members: members.length,
      slots: members.length
        ? members.reduce((sum, { sample, draining }) => sum + (draining ? 0 : sample.slots), 0)
        : rest.slots,
      busy: this.#busy(),
      ...present({
        engines: engines?.all,
        strangerEngines: engines?.strangers,
        reason: reason || undefined,
        lastSeenAt: report && Date.now(),
      }),
    }
    this.#deps.onChange(this, report && { ...sumSamples(members), runnerId: this.id })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the dispatcher stops'))
    await this.#deps.connector[Symbol.asyncDispose]?.()
    await this.#watching
  }
}
