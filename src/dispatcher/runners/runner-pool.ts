import type { Duplex } from 'node:stream'
import type { RunnerSample } from '../../contract/rest/views.ts'
import type { Orphan } from '../../contract/rpc/runner-report.ts'
import type { Doer } from '../../core/audit/audit.ts'
import type { DispatcherId, RunnerId } from '../../core/ids.ts'
import type { Candidate } from '../../core/placement/placement.ts'
import { choosePlanner, planShortage } from '../../core/runner/choose-planner.ts'
import { isSameLink, type Link, type Runner } from '../../core/runner/runner.ts'
import { EventHub } from '../../lib/async/event-hub.ts'
import { every } from '../../lib/async/every.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import type { Reads } from '../../store/store.ts'
import type { EventPublisher } from '../ledger/event-publisher.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { Connector } from './connector.ts'
import { newRunner } from './new-runner.ts'
import { PlannerWaits } from './planner-waits.ts'
import { RunnerFailures } from './runner-failures.ts'
import { RunnerLink } from './runner-link.ts'
import { RunnerRecords } from './runner-records.ts'

export interface NewLink {
  readonly name: string
  readonly link: Link
  /** The labels that it may have of those it claims; absent: all. */
  readonly allowedLabels?: readonly string[] | undefined
}

export interface RunnerPoolDeps {
  readonly store: Reads<'runners'>
  readonly recorder: Recorder
  readonly publisher: EventPublisher
  readonly log: Logger
  /** For runners at `https:` URLs. */
  readonly tls?: ClientTls | undefined
  /** Where dialled runners may be; anywhere by default. */
  readonly gitEnv?: Pick<GitEnv, 'hosts'>
  /** The seat under which changes of runners are written. */
  readonly dispatcherId: () => DispatcherId
  /** Called with attempts on a runner that no dispatcher follows. */
  readonly onOrphans: (link: RunnerLink, orphans: readonly Orphan[]) => void
}

/** How often the registered runners and their desired state are polled. */
const POLL_MS = 1_000
/** The least time between two published samples of a runner. */
const SAMPLE_MS = 50

/**
 * The registered runners, with a link each. It writes their changes to the store, publishes their load, and
 * notifies listeners whenever a job might be placed. Runners may be registered, removed or drained through
 * any dispatcher: `follow` keeps up to date.
 */
export class RunnerPool implements AsyncDisposable {
  readonly #deps: RunnerPoolDeps
  readonly #links = new Map<RunnerId, RunnerLink>()
  readonly #publishedAt = new Map<RunnerId, number>()
  readonly plannerWaits = new PlannerWaits(this)
  readonly #wakes: EventHub<void>
  readonly #records: RunnerRecords
  readonly #failures: RunnerFailures
  /** Serializes registrations and removals, so that a link isn't replaced by two at once. */
  readonly #serial = new SerialQueue()

  constructor(deps: RunnerPoolDeps) {
    this.#deps = deps
    this.#wakes = new EventHub((err) => deps.log.error({ err }, 'event listener failed'))
    this.#records = new RunnerRecords(deps)
    this.#failures = new RunnerFailures(deps)
  }

  /** Keeps up with changes by other dispatchers, until disposed. */
  follow(): AsyncDisposable {
    return every(
      POLL_MS,
      () => this.refresh(),
      (error) => {
        const { message } = NarwhalError.from(error)
        this.#deps.log.debug({ reason: message }, 'reading the runners failed')
      },
    )
  }

  /** Connects to the runners that the store knows, drops others, and applies their desired state. */
  async refresh(): Promise<void> {
    await this.#serial.run(async () => {
      const records = await this.#deps.store.runners.list()
      for (const record of records) {
        const link = this.#links.get(record.id)
        if (
          link &&
          link.record.registeredAt === record.registeredAt &&
          isSameLink(link.record.link, record.link)
        ) {
          void this.#setDesired(link, record)
        } else if (record.link.kind !== 'in-process') {
          await this.#disconnect(record.id)
          this.#connect(record, await connectorOf(record, this.#deps))
        }
      }
      const known = new Set(records.map(({ id }) => id))
      for (const id of this.#links.keys()) if (!known.has(id)) await this.#disconnect(id)
    })
  }

  async #setDesired(link: RunnerLink, record: Runner): Promise<void> {
    this.#failures.watch(link, record)
    await link.setDesired(record)
  }

  /** Takes over the socket of an attached runner, which is called over it from now on. */
  async accept(runner: Runner, socket: Duplex): Promise<void> {
    const former = this.#links.get(runner.id)
    // It may have joined through another dispatcher, or have been dialled until now.
    if (!former || !isSameLink(former.record.link, runner.link)) await this.refresh()
    const link = this.#links.get(runner.id)
    if (!link) throw new NarwhalError('not_found', `runner ${runner.name} is not registered`)
    link.accept(socket)
  }

  /** To be called when an attempt has ended, with the runner's own fault if there was one. */
  onAttemptEnd(link: RunnerLink, fault: string | undefined): void {
    this.#failures.onEnd(link, fault)
  }

  /** The listener is called when slots, states or runners have changed. */
  onWake(listener: () => void): Disposable {
    return this.#wakes.listen(listener)
  }

  wake(): void {
    this.#wakes.emit()
  }

  find(id: RunnerId): RunnerLink | undefined {
    return this.#links.get(id)
  }

  candidates(): Candidate[] {
    return [...this.#links.values()].map((link) => link.candidate())
  }

  /** Why no runner can plan now, and what to do about that; undefined: one can. */
  get planShortage(): string | undefined {
    return planShortage([...this.#links.values()])
  }

  /** The runner for the next plan, if there is one now. */
  findPlanner(): RunnerLink | undefined {
    return choosePlanner([...this.#links.values()])
  }

  /**
   * Registers a runner, or updates the one of the same name; it is connected to at once, for as long as it
   * stays registered. A runner in this process has its own connector.
   */
  async register(runner: NewLink, by: Doer, connector?: Connector): Promise<Runner> {
    const { link } = runner
    if (link.kind === 'dialled') await this.#requireAllowed(new URL(link.url))
    return await this.#serial.run(() => this.#register(runner, by, connector))
  }

  async #register(runner: NewLink, by: Doer, connector?: Connector): Promise<Runner> {
    const { store, recorder } = this.#deps
    const former = await store.runners.find(runner.name)
    const record: Runner = {
      ...newRunner({ name: runner.name, link: runner.link }, former),
      ...present({ allowedLabels: runner.allowedLabels }),
    }
    await recorder.record(async (write) => {
      await write.runners.save(record)
      // The one in this process is registered again at each start.
      if (record.link.kind === 'in-process' && former?.link.kind === 'in-process') return
      write.audit.add(by, {
        action: 'runner.registered',
        subject: record,
        after: linkFacts(record.link),
      })
    })
    await this.#disconnect(record.id)
    this.#connect(record, connector ?? (await connectorOf(record, this.#deps)))
    return record
  }

  /** Rejects at once if the host is not allowed; it needn't be resolvable yet. */
  async #requireAllowed({ hostname }: URL): Promise<void> {
    const { hosts = ANY_HOSTS } = this.#deps.gitEnv ?? {}
    await hosts.find(hostname).catch((error: unknown) => {
      if (NarwhalError.from(error).code === 'forbidden')
        throw new NarwhalError('invalid', describeError(error), { cause: error })
    })
  }

  /** Drains a runner, or lets it take jobs again; resolves when that is stored. */
  async drain(id: RunnerId, draining: boolean, by: Doer): Promise<void> {
    await this.#deps.recorder.record(async (write) => {
      const former = await write.runners.find(id)
      await write.runners.setDraining(id, draining)
      if (!former) return
      const facts = { before: { isDraining: former.draining }, after: { isDraining: draining } }
      write.audit.add(by, { action: 'runner.changed', subject: former, ...facts })
    })
    const link = this.#links.get(id)
    const record = await this.#deps.store.runners.find(id)
    if (!link || !record) return
    await this.#setDesired(link, record)
    await this.#records.write(link)
  }

  /** Removes a runner; its running attempts are lost. */
  async remove(id: RunnerId, by: Doer): Promise<void> {
    await this.#serial.run(async () => {
      await this.#disconnect(id)
      await this.#deps.recorder.record(async (write) => {
        const former = await write.runners.find(id)
        await write.runners.remove(id)
        if (!former) return
        const before = { labels: former.labels }
        write.audit.add(by, { action: 'runner.removed', subject: former, before })
      })
    })
    this.wake()
  }

  /** Ends a link; its later changes are not written. */
  async #disconnect(id: RunnerId): Promise<void> {
    const link = this.#links.get(id)
    if (!link) return
    this.#links.delete(id)
    this.#publishedAt.delete(id)
    this.#records.drop(link)
    await link[Symbol.asyncDispose]()
  }

  #connect(record: Runner, connector: Connector): void {
    const link = new RunnerLink({
      record,
      connector,
      log: this.#deps.log,
      onChange: (changed, sample) => this.#onChange(changed, sample),
      onOrphans: (changed, orphans) => {
        if (this.#links.get(changed.id) === changed) this.#deps.onOrphans(changed, orphans)
      },
    })
    this.#links.set(record.id, link)
    this.#failures.watch(link, record)
  }

  #onChange(link: RunnerLink, sample: RunnerSample | undefined): void {
    if (this.#links.get(link.id) !== link) return
    if (sample && this.#isDue(link.id)) {
      this.#deps.publisher.publish({ type: 'runner.sampled', sample })
    }
    this.#records.onChange(link)
    this.wake()
  }

  /** Samples are for display only: a runner's may be dropped. */
  #isDue(id: RunnerId): boolean {
    const now = performance.now()
    if (now - (this.#publishedAt.get(id) ?? -Infinity) < SAMPLE_MS) return false
    this.#publishedAt.set(id, now)
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const links = [...this.#links.values()]
    this.#links.clear()
    for (const link of links) this.#records.drop(link)
    this.#failures[Symbol.dispose]()
    await Promise.all(links.map((link) => link[Symbol.asyncDispose]()))
  }
}

function linkFacts(link: Link) {
  return link.kind === 'dialled'
    ? { isBalanced: link.balanced, host: cloneHost(link.url) }
    : { isBalanced: false, host: 'local' }
}

async function connectorOf(
  { name, link }: Runner,
  { tls, gitEnv }: Pick<RunnerPoolDeps, 'tls' | 'gitEnv'>,
): Promise<Connector> {
  // Imported late: the gRPC client is loaded with the first runner that needs it.
  if (link.kind === 'attached') {
    const { AttachedConnector } = await import('./attached-connector.ts')
    return new AttachedConnector()
  }
  if (link.kind !== 'dialled') {
    throw new NarwhalError('internal', `runner ${name} is in this process, and has no connector`)
  }
  const { dialConnector } = await import('./dial-connector.ts')
  return dialConnector({
    url: link.url,
    balanced: link.balanced,
    tls,
    hosts: gitEnv?.hosts,
    ...present({ token: link.token || undefined }),
  })
}
