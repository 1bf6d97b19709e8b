import type { RunnerSample } from '../contract/views.ts'
import type { RunnerId } from '../core/ids.ts'
import type { Candidate } from '../core/placement/placement.ts'
import { NarwhalError } from '../lib/errors.ts'
import { EventHub } from '../lib/event-hub.ts'
import type { Logger } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import { SerialQueue } from '../lib/serial-queue.ts'
import type { RunnerRecord } from '../store/records.ts'
import type { StoreReader } from '../store/store.ts'
import type { Announcer } from './announcer.ts'
import type { Recorder } from './recorder.ts'
import { type Connector, RunnerLink } from './runner-link.ts'

export interface NewLink {
  readonly name: string
  readonly link: RunnerRecord['link']
  readonly url?: string
  readonly balanced?: boolean
  readonly token?: string
}

interface Written {
  /** All but what changes all the time. */
  readonly news: string
  readonly busy: number
  /** Set while the number of busy slots is to be written. */
  later?: NodeJS.Timeout
}

const BUSY_MS = 1_000

/**
 * The runners that are registered, each with its link. It writes what changes about them to the
 * store, publishes their load, and wakes its listeners whenever a job might find a place.
 */
export class RunnerPool implements AsyncDisposable {
  readonly #store: StoreReader
  readonly #recorder: Recorder
  readonly #announcer: Announcer
  readonly #log: Logger
  readonly #links = new Map<RunnerId, RunnerLink>()
  readonly #wakes: EventHub<void>
  /** One at a time comes or goes, so that no link is replaced while another takes its place. */
  readonly #serial = new SerialQueue()
  /** What was last written of each runner, so that only news is written. */
  readonly #written = new Map<RunnerId, Written>()

  constructor(deps: {
    store: StoreReader
    recorder: Recorder
    announcer: Announcer
    log: Logger
  }) {
    this.#store = deps.store
    this.#recorder = deps.recorder
    this.#announcer = deps.announcer
    this.#log = deps.log
    this.#wakes = new EventHub((err) => deps.log.error({ err }, 'a listener failed'))
  }

  /** Connects to every dialled runner that the store knows. */
  async open(): Promise<void> {
    for (const record of await this.#store.listRunners()) {
      if (record.link === 'dialled') this.#connect(record, await dialled(record))
    }
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

  /** The runner for a plan: online, and the least busy. */
  findPlanner(): RunnerLink | undefined {
    const share = ({ busy, slots }: Candidate): number => busy / Math.max(1, slots)
    const online = this.candidates().filter(({ state }) => state === 'online')
    const best = online.sort((a, b) => share(a) - share(b))[0]
    return best && this.#links.get(best.runnerId)
  }

  /**
   * Registers a runner, or what is new about one of the same name; it is connected to at once and
   * for as long as it stays registered. A runner in this process brings its own connector.
   */
  async register(runner: NewLink, connector?: Connector): Promise<RunnerRecord> {
    return await this.#serial.run(() => this.#register(runner, connector))
  }

  async #register(runner: NewLink, connector?: Connector): Promise<RunnerRecord> {
    const former = await this.#store.findRunner(runner.name)
    const record: RunnerRecord = {
      id: former?.id ?? newId('runner'),
      name: runner.name,
      link: runner.link,
      ...(runner.url ? { url: runner.url } : {}),
      ...(runner.token ? { linkToken: runner.token } : {}),
      balanced: runner.balanced ?? false,
      members: 0,
      state: 'offline',
      reason: 'not connected yet',
      labels: former?.labels ?? [],
      engines: former?.engines ?? [],
      slots: former?.slots ?? 0,
      busy: 0,
      registeredAt: former?.registeredAt ?? Date.now(),
      draining: former?.draining ?? false,
      failures: 0,
    }
    await this.#recorder.record((write) => write.saveRunner(record))
    await this.#disconnect(record.id)
    this.#connect(record, connector ?? (await dialled(record)))
    return record
  }

  /** Drains a runner, or has it take jobs again; resolves when that is written. */
  async drain(id: RunnerId, draining: boolean): Promise<void> {
    const link = this.#links.get(id)
    if (!link) throw new NarwhalError('conflict', 'this runner is not connected')
    await link.drain(draining)
    if (this.#links.get(id) !== link) {
      throw new NarwhalError('conflict', 'this runner was removed or registered anew meanwhile')
    }
    await this.#recorder.record((write) => write.saveRunner(link.record))
  }

  /** Removes a runner; its attempts that still run are lost to it. */
  async remove(id: RunnerId): Promise<void> {
    await this.#serial.run(async () => {
      await this.#disconnect(id)
      await this.#recorder.record((write) => write.removeRunner(id))
    })
    this.wake()
  }

  /** Ends a link; what it still notices is not written any more. */
  async #disconnect(id: RunnerId): Promise<void> {
    const link = this.#links.get(id)
    this.#links.delete(id)
    clearTimeout(this.#written.get(id)?.later)
    this.#written.delete(id)
    await link?.[Symbol.asyncDispose]()
  }

  #connect(record: RunnerRecord, connector: Connector): void {
    const link = new RunnerLink({
      record,
      connector,
      log: this.#log,
      onChange: (changed, sample) => this.#note(changed, sample),
    })
    this.#links.set(record.id, link)
  }

  #note(link: RunnerLink, sample: RunnerSample | undefined): void {
    if (this.#links.get(link.id) !== link) return
    if (sample) this.#announcer.tell({ type: 'runner.sampled', sample })
    this.#saveNews(link)
    this.wake()
  }

  /** Writes news at once, but busy slots, which change with every job, at most once a second. */
  #saveNews(link: RunnerLink): void {
    const { lastSeenAt: _, busy, ...rest } = link.record
    const news = JSON.stringify(rest)
    const written = this.#written.get(link.id)
    if (written?.news === news && written.busy === busy) return
    if (written?.news !== news) {
      clearTimeout(written?.later)
      this.#written.set(link.id, { news, busy })
      this.#save(link)
    } else if (!written.later) {
      written.later = setTimeout(() => {
        if (this.#links.get(link.id) !== link) return
        this.#written.set(link.id, { news, busy: link.record.busy })
        this.#save(link)
      }, BUSY_MS).unref()
    }
  }

  #save(link: RunnerLink): void {
    this.#recorder
      .record((write) => write.saveRunner(link.record))
      .catch((error: unknown) => {
        if (NarwhalError.from(error).code === 'cancelled') return
        this.#log.error({ err: error, runner: link.record.name }, 'runner not saved')
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const links = [...this.#links.values()]
    this.#links.clear()
    for (const { later } of this.#written.values()) clearTimeout(later)
    await Promise.all(links.map((link) => link[Symbol.asyncDispose]()))
  }
}

/** The gRPC client is loaded with the first runner that needs it. */
async function dialled(record: RunnerRecord): Promise<Connector> {
  if (!record.url) throw new NarwhalError('invalid', `runner ${record.name} has no URL`)
  const { dialConnector } = await import('./dial-connector.ts')
  return dialConnector({
    url: record.url,
    balanced: record.balanced,
    ...(record.linkToken ? { token: record.linkToken } : {}),
  })
}
