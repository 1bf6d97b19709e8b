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
import type { StoreReader } from '../../store/store.ts'
import type { EventPublisher } from '../ledger/event-publisher.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { Connector } from './connector.ts'
import { newRunner } from './new-runner.ts'
import { PlannerWaits } from './planner-waits.ts'
import { RunnerFailures } from './runner-failures.ts'
import { RunnerLink } from './runner-link.ts'
import { RunnerNews } from './runner-news.ts'

export interface NewLink {
  readonly name: string
  readonly link: Link
  /** All that it may have of the labels that it says; absent: whichever it says. */
  readonly allowedLabels?: readonly string[] | undefined
}

export interface RunnerPoolDeps {
  readonly store: StoreReader
  readonly recorder: Recorder
  readonly publisher: EventPublisher
  readonly log: Logger
  /** For runners at `https:` URLs. */
  readonly tls?: ClientTls | undefined
  /** Where dialled runners may be, as what git asks; anywhere unless told. */
  readonly gitEnv?: Pick<GitEnv, 'hosts'>
  /** Under which seat news of the runners are written. */
  readonly dispatcherId: () => DispatcherId
  /** Called with attempts that a runner has and nobody asks about. */
  readonly onOrphans: (link: RunnerLink, orphans: readonly Orphan[]) => void
}

/** How often the store is asked which runners there are, and what is wanted of them. */
const LOOK_MS = 1_000
/** A runner's load is told so often at most. */
const TELL_MS = 50

/**
 * The runners that are registered, each with its link. It writes what changes about them to the
 * store, publishes their load, and wakes its listeners whenever a job might find a place. Runners
 * may be registered, removed or drained by way of any dispatcher: `follow` keeps up with that.
 */
export class RunnerPool implements AsyncDisposable {
  readonly #deps: RunnerPoolDeps
  readonly #links = new Map<RunnerId, RunnerLink>()
  readonly #toldAt = new Map<RunnerId, number>()
  /** The commits that wait for a runner to plan them. */
  readonly plannerWaits = new PlannerWaits(this)
  readonly #wakes: EventHub<void>
  readonly #news: RunnerNews
  readonly #failures: RunnerFailures
  /** One at a time comes or goes, so that no link is replaced while another takes its place. */
  readonly #serial = new SerialQueue()

  constructor(deps: RunnerPoolDeps) {
    this.#deps = deps
    this.#wakes = new EventHub((err) => deps.log.error({ err }, 'a listener failed'))
    this.#news = new RunnerNews(deps)
    this.#failures = new RunnerFailures(deps)
  }

  /** Connects to every runner that the store knows. */
  async open(): Promise<void> {
    await this.look()
  }

  /** Keeps up with what other dispatchers do about runners, until disposed. */
  follow(): AsyncDisposable {
    return every(
      LOOK_MS,
      () => this.look(),
      (error) => {
        const { message } = NarwhalError.from(error)
        this.#deps.log.debug({ reason: message }, 'the runners could not be read')
      },
    )
  }

  /** Takes over what the store says: which runners there are, and what is wanted of each. */
  async look(): Promise<void> {
    await this.#serial.run(async () => {
      const records = await this.#deps.store.runners.list()
      for (const record of records) {
        const link = this.#links.get(record.id)
        if (
          link &&
          link.record.registeredAt === record.registeredAt &&
          isSameLink(link.record.link, record.link)
        ) {
          void this.#wish(link, record)
        } else if (record.link.kind !== 'in-process') {
          await this.#disconnect(record.id)
          this.#connect(record, await connectorOf(record, this.#deps))
        }
      }
      const known = new Set(records.map(({ id }) => id))
      for (const id of this.#links.keys()) if (!known.has(id)) await this.#disconnect(id)
    })
  }

  async #wish(link: RunnerLink, record: Runner): Promise<void> {
    this.#failures.watch(link, record)
    await link.wish(record)
  }

  /** Takes up the socket of an attached runner; this dispatcher calls it over that from now on. */
  async accept(runner: Runner, socket: Duplex): Promise<void> {
    const former = this.#links.get(runner.id)
    // It may have joined by another dispatcher, or have been a dialled one until now.
    if (!former || !isSameLink(former.record.link, runner.link)) await this.look()
    const link = this.#links.get(runner.id)
    if (!link) throw new NarwhalError('not_found', `runner ${runner.name} is not registered`)
    link.accept(socket)
  }

  /** Notes how an attempt on a runner has ended: by a fault of the runner's own, or not. */
  noteEnd(link: RunnerLink, fault: string | undefined): void {
    this.#failures.note(link, fault)
  }

  /** Is called when slots, states or runners have changed. */
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

  /** Why no runner can be asked for a plan now, and what to do about that; undefined: one can. */
  get planShortage(): string | undefined {
    return planShortage([...this.#links.values()])
  }

  /** The runner for a plan, if there is one now. */
  findPlanner(): RunnerLink | undefined {
    return choosePlanner([...this.#links.values()])
  }

  /**
   * Registers a runner, or what is new about one of the same name; it is connected to at once and
   * for as long as it stays registered. A runner in this process brings its own connector.
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
      // The one in this process is registered anew at each start.
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

  /** Whether it is there yet does not matter, but what is there may be told at once. */
  async #requireAllowed({ hostname }: URL): Promise<void> {
    const { hosts = ANY_HOSTS } = this.#deps.gitEnv ?? {}
    await hosts.find(hostname).catch((error: unknown) => {
      if (NarwhalError.from(error).code === 'forbidden')
        throw new NarwhalError('invalid', describeError(error), { cause: error })
    })
  }

  /** Drains a runner, or has it take jobs again; resolves when that is written. */
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
    await this.#wish(link, record)
    await this.#news.write(link)
  }

  /** Removes a runner; its attempts that still run are lost to it. */
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

  /** Ends a link; what it still notices is not written any more. */
  async #disconnect(id: RunnerId): Promise<void> {
    const link = this.#links.get(id)
    if (!link) return
    this.#links.delete(id)
    this.#toldAt.delete(id)
    this.#news.forget(link)
    await link[Symbol.asyncDispose]()
  }

  #connect(record: Runner, connector: Connector): void {
    const link = new RunnerLink({
      record,
      connector,
      log: this.#deps.log,
      onChange: (changed, sample) => this.#note(changed, sample),
      onOrphans: (changed, orphans) => {
        if (this.#links.get(changed.id) === changed) this.#deps.onOrphans(changed, orphans)
      },
    })
    this.#links.set(record.id, link)
    this.#failures.watch(link, record)
  }

  #note(link: RunnerLink, sample: RunnerSample | undefined): void {
    if (this.#links.get(link.id) !== link) return
    if (sample && this.#isDue(link.id)) {
      this.#deps.publisher.publish({ type: 'runner.sampled', sample })
    }
    this.#news.note(link)
    this.wake()
  }

  /** Samples are for people who look: however many a runner sends, they see some of them. */
  #isDue(id: RunnerId): boolean {
    const now = performance.now()
    if (now - (this.#toldAt.get(id) ?? -Infinity) < TELL_MS) return false
    this.#toldAt.set(id, now)
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const links = [...this.#links.values()]
    this.#links.clear()
    for (const link of links) this.#news.forget(link)
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
  // The gRPC client is loaded with the first runner that needs it.
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
    ...(link.token ? { token: link.token } : {}),
  })
}
