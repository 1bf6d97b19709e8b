import type { Duplex } from 'node:stream'
import type { RunnerSample } from '../../contract/rest/views.ts'
import type { RunnerDescription } from '../../contract/rpc/runner-description.ts'
import type { Orphan, RunnerReport } from '../../contract/rpc/runner-report.ts'
import type { RunnerId } from '../../core/ids.ts'
import type { Candidate } from '../../core/placement/placement.ts'
import { grantsOf } from '../../core/runner/grants.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { labelsOf, type RunnerWishes, runnerState } from '../../core/runner/runner-state.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Connector } from './connector.ts'
import { RunnerClient } from './runner-client.ts'
import { enginesOf, sumSamples } from './runner-member.ts'
import { watchMembers } from './runner-members.ts'

/**
 * The dispatcher's side of one registered runner: `offline` until one of its members tells its load,
 * then `online`, or `set_aside` or `draining` by the wishes, and `offline` again as soon as none does.
 * It reconnects by itself for as long as it lives. Slots are counted as busy from the moment they
 * are promised.
 */
export class RunnerLink implements AsyncDisposable {
  #record: Runner
  #reserved = 0
  #refusedUntilNews = false
  #candidate: Candidate | undefined
  #wishes: RunnerWishes
  /** Why it is offline, when it is. */
  #away = 'not connected yet'
  readonly #connector: Connector
  readonly #client: RunnerClient
  readonly #members = new Map<string, RunnerReport>()
  readonly #stop = new AbortController()
  readonly #onChange: (link: RunnerLink, sample?: RunnerSample) => void
  readonly #onOrphans: (link: RunnerLink, orphans: readonly Orphan[]) => void
  readonly #log: Logger
  /** Aborts when there is no reason to wait for the next try any more. */
  #hurry = new AbortController()
  readonly #watching: Promise<void>

  constructor(deps: {
    record: Runner
    connector: Connector
    log: Logger
    onChange: (link: RunnerLink, sample?: RunnerSample) => void
    onOrphans: (link: RunnerLink, orphans: readonly Orphan[]) => void
  }) {
    this.#record = { ...deps.record, state: 'offline', busy: 0, members: 0 }
    this.#wishes = deps.record
    this.#connector = deps.connector
    this.#client = new RunnerClient(deps.connector, this.#stop.signal)
    this.#onChange = deps.onChange
    this.#onOrphans = deps.onOrphans
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
    return this.#connector.balanced
  }

  /** The runner as the placement sees it at this very moment; the same object until that changes. */
  candidate(): Candidate {
    this.#candidate ??= this.#describeCandidate()
    return this.#candidate
  }

  #describeCandidate(): Candidate {
    const { id, name, labels, engines, strangerEngines = [], slots, state } = this.#record
    const samples = [...this.#members.values()].map((member) => member.sample)
    const load = samples.reduce((sum, sample) => sum + sample.load, 0) / (samples.length || 1)
    const busy = this.#refusedUntilNews ? slots : this.#busy()
    const takesStrangers = strangerEngines.length > 0
    const grants = grantsOf(this.#record, this.#wishes.allowedLabels)
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

  /** Notes that the runner had no room after all; it gets nothing until it has told its load anew. */
  noteRefusal(): void {
    this.#refusedUntilNews = true
    this.#candidate = undefined
  }

  /** The calls that the runner answers. */
  get client(): RunnerClient {
    return this.#client
  }

  /** Takes up the socket of an attached runner; throws `conflict` when it is not one. */
  accept(socket: Duplex): void {
    if (!this.#connector.accept) {
      const words = `runner ${this.#record.name} is not one that attaches itself`
      throw new NarwhalError('conflict', words)
    }
    this.#connector.accept(socket)
    this.#hurry.abort()
  }

  get wishes(): RunnerWishes {
    return this.#wishes
  }

  /** Whether it was disposed: the runner was removed, or has a new link. */
  get isClosed(): boolean {
    return this.#stop.signal.aborted
  }

  /**
   * Takes note of what is wanted of the runner now; resolves when it was told, or could not be. A
   * drain is told to it; behind a balancer a call reaches one of several: there it is enough that
   * this side keeps to it.
   */
  async wish(wishes: RunnerWishes): Promise<void> {
    const drain = wishes.draining !== this.#wishes.draining
    const isSame = !drain && wishes.asideReason === this.#wishes.asideReason
    this.#wishes = wishes
    if (isSame) return
    this.#refresh()
    if (drain) await this.#tellDrain()
  }

  async #tellDrain(): Promise<void> {
    if (this.balanced) return
    const { draining } = this.#wishes
    try {
      await this.#client.drain(draining)
      // What the member said last is old news now; its next sample says the same as this.
      for (const [id, member] of this.#members) this.#members.set(id, { ...member, draining })
      this.#refresh()
    } catch (error) {
      // It is told again with the next connection, and gets no jobs from here meanwhile.
      this.#log.debug({ reason: describeError(error) }, 'the runner could not be told to drain')
    }
  }

  /** Waits for members to tell their load; starts anew, ever more slowly, when the last is gone. */
  async #watch(): Promise<void> {
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        this.#describe(await this.#client.describe())
        if (this.#wishes.draining) void this.#tellDrain()
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
      const either = AbortSignal.any([this.#stop.signal, this.#hurry.signal])
      await backoff(failures, { firstMs: 100, maxMs: 5_000 }, either).catch(() => {})
      this.#hurry = new AbortController()
    }
  }

  #describe(description: RunnerDescription): void {
    this.#candidate = undefined
    const { hardware, engines, strangerEngines, flawedTools, version, jobNetwork } = description
    const labels = labelsOf(description.labels, this.#wishes)
    const refused = description.labels.length - labels.length
    if (refused > 0) this.#log.warn({ refused }, 'labels that were not granted')
    this.#record = {
      ...this.#record,
      labels,
      engines,
      strangerEngines,
      flawedTools,
      softwareVersion: version,
      ...(hardware && { hardware: { ...hardware, ...(jobNetwork && { jobNetwork }) } }),
    }
  }

  #hear(member: RunnerReport): void {
    this.#members.set(member.instanceId, member)
    this.#refusedUntilNews = false
    this.#refresh(member)
    if (member.orphans.length > 0) this.#onOrphans(this, member.orphans)
  }

  #lose(instanceId: string): void {
    this.#members.delete(instanceId)
    this.#away = 'it does not answer any more'
    this.#refresh()
  }

  #note(reason: string): void {
    if (this.#away !== reason) this.#log.warn({ reason }, 'runner can not be reached')
    this.#away = reason
    this.#refresh()
  }

  #busy(): number {
    let told = 0
    for (const { sample } of this.#members.values()) told += sample.busy
    return Math.max(told, this.#reserved)
  }

  #refresh(heard?: RunnerReport): void {
    this.#candidate = undefined
    const members = [...this.#members.values()]
    const state = runnerState(members, this.#wishes)
    const engines = enginesOf(members)
    const trouble = members.map((member) => member.trouble).find((words) => words !== '')
    const reason =
      state === 'offline' ? this.#away : state === 'set_aside' ? this.#wishes.asideReason : trouble
    const { reason: _, ...rest } = this.#record
    this.#record = {
      ...rest,
      state,
      members: members.length,
      slots: members.length
        ? members.reduce((sum, { sample, draining }) => sum + (draining ? 0 : sample.slots), 0)
        : rest.slots,
      busy: this.#busy(),
      ...(engines ? { engines: engines.all, strangerEngines: engines.strangers } : {}),
      ...(reason ? { reason } : {}),
      ...(heard ? { lastSeenAt: Date.now() } : {}),
    }
    this.#onChange(this, heard && { ...sumSamples(members), runnerId: this.id })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new NarwhalError('cancelled', 'the dispatcher stops'))
    await this.#connector[Symbol.asyncDispose]?.()
    await this.#watching
  }
}
