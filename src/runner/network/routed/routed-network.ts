import { SerialQueue } from '../../../lib/async/serial-queue.ts'
import { describeError, NarwhalError } from '../../../lib/errors.ts'
import { closedNotes } from '../closed-note.ts'
import type { Connection, EngineNetwork, JobNetworks, LendNetwork } from '../job-networks.ts'
import { readNameServers } from '../machine.ts'
import type { NetworkOptions } from '../options.ts'
import { ChangeWatch } from '../proof/change-watch.ts'
import { Prover } from '../proof/prover.ts'
import { withoutAddresses } from '../resolver/answer-filter.ts'
import { Resolver } from '../resolver/resolver.ts'
import type { JobSegment, SegmentSpec } from '../segment.ts'
import { ClosedSegments } from '../segments/closed-segments.ts'
import { type JobNamespace, Namespaces } from './namespaces.ts'
import { ReadyPool } from './ready-pool.ts'
import { openRoutedSegment } from './routed-segment.ts'
import { type Audience, jobInterface } from './rules.ts'
import { Table } from './table.ts'

const HOUR_MS = 3_600_000
const RETRY_MS = 1_000

/**
 * The network of jobs if the runner is root: each has a namespace connected to the machine, which forwards
 * what the rules (rules.ts) accept. Isolation is *proven* from inside before the first stranger's job, every
 * hour, and after changes of the machine's firewall or network; a table that was removed is restored at once.
 * While a proof fails, `trouble` is set and no job is started.
 */
export class RoutedNetwork implements JobNetworks {
  readonly #options: NetworkOptions
  readonly #table: Table
  readonly #namespaces: Namespaces
  readonly #pools: Readonly<Record<Audience, ReadyPool<JobNamespace>>>
  readonly #prover: Prover
  readonly #parts: AsyncDisposable
  readonly #watching = new DisposableStack()
  readonly #reserved = new Set<string>()
  readonly #closed: ClosedSegments
  readonly #changes = new SerialQueue()
  #nextNetwork = 0
  #isCheckWanted = false
  #retry: NodeJS.Timeout | undefined

  private constructor(
    options: NetworkOptions,
    owned: { table: Table; namespaces: Namespaces; parts: AsyncDisposable },
  ) {
    this.#options = options
    this.#table = owned.table
    this.#namespaces = owned.namespaces
    const { log } = options
    const poolFor = (audience: Audience, size: number) =>
      new ReadyPool({
        size,
        make: () => this.#namespaces.make(audience),
        discard: ({ name }: JobNamespace) => this.#namespaces.remove(name),
        log,
      })
    const waiting = options.stays ? options.ready : 0
    this.#pools = { own: poolFor('own', waiting), strangers: poolFor('strangers', 0) }
    const places = { reserve: (audience: Audience) => this.#reserve(audience) }
    this.#prover = new Prover({ ...owned, places, options })
    this.#parts = owned.parts
    this.#closed = new ClosedSegments(options.instance, { sweeps: false })
  }

  /** Rejects with `unavailable` and what this machine or user lacks, leaving nothing behind. */
  static async open(options: NetworkOptions): Promise<RoutedNetwork> {
    await using stack = new AsyncDisposableStack()
    const table = stack.use(await Table.open(options))
    const { plan, isClosedToStrangers } = table
    const servers = options.servers ? { servers: options.servers } : {}
    stack.use(await Resolver.open({ address: plan.ownResolver, ...servers }))
    const filter = withoutAddresses((address) => isClosedToStrangers(address))
    stack.use(await Resolver.open({ address: plan.strangersResolver, filter, ...servers }))
    const namespaces = new Namespaces(table.namespaceDeps)
    const network = new RoutedNetwork(options, { table, namespaces, parts: stack.move() })
    if (options.stays) network.#watch()
    else if (options.ready > 0) network.#pools.own.begin()
    return network
  }

  notesFor(audience: Audience): readonly string[] {
    const known = [this.#prover.note, this.#table.clashNote].filter((note) => note !== '')
    return [...known, ...closedNotes(this.#options.settings, audience)]
  }

  get trouble(): string {
    return this.#prover.trouble
  }

  async connect(audience: Audience): Promise<Connection> {
    await this.check(audience)
    const { name, enter } = await this.#pools[audience].take()
    return {
      kind: 'job',
      enter,
      resolvConf: await this.#resolvConf(audience),
      notes: this.notesFor(audience),
      [Symbol.asyncDispose]: () => this.#namespaces.remove(name),
    }
  }

  async segment(spec: SegmentSpec): Promise<JobSegment> {
    const { audience, reach } = spec
    if (reach === 'none') return await this.#closed.open(spec)
    await this.check(audience)
    return await openRoutedSegment(spec, {
      take: () => this.#pools[audience].take(),
      remove: (name, services) => this.#namespaces.remove(name, services),
      reserve: () => this.#reserve(audience),
      release: (bridge) => this.release(bridge),
      resolvConf: await this.#resolvConf(audience),
      notes: this.notesFor(audience),
    })
  }

  readonly containers = 'ruled'
  readonly places = 'all'

  get engineTrouble(): string {
    return this.#prover.engineTrouble
  }

  proveEngine(lend: LendNetwork): Promise<void> {
    return this.#prover.proveEngine(lend)
  }

  leaveEngine(lend: LendNetwork): Promise<void> {
    return this.#prover.leaveEngine(lend)
  }

  async reserve(audience: Audience): Promise<EngineNetwork> {
    await this.check(audience)
    return this.#reserve(audience)
  }

  #reserve(audience: Audience): EngineNetwork {
    const { plan, mtu } = this.#table
    for (let tries = 0; tries < plan.networks; tries++) {
      const index = this.#nextNetwork++ % plan.networks
      const rest = `d${index.toString(36)}`
      if (this.#reserved.has(rest)) continue
      this.#reserved.add(rest)
      const bridge = jobInterface(this.#table.id, audience, rest)
      const resolver = audience === 'own' ? plan.ownResolver : plan.strangersResolver
      return { bridge, ...plan.network(index), mtu, resolver }
    }
    throw new NarwhalError('unavailable', 'all networks for jobs in containers are in use')
  }

  release(bridge: string): void {
    this.#reserved.delete(bridge.slice(jobInterface(this.#table.id, 'own', '').length))
  }

  /** Jobs of the repository's own people don't wait for the first proof; if it fails, no more are started. */
  async check(audience: Audience): Promise<void> {
    const known = audience === 'own' ? this.#prover.trouble : await this.#prover.untilKnown()
    if (known !== '') throw new NarwhalError('unavailable', known)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watching[Symbol.dispose]()
    clearTimeout(this.#retry)
    await this.#prover.close()
    // The last change noticed may still be updating the rules.
    await this.#changes.run(async () => {})
    await Promise.all(Object.values(this.#pools).map((pool) => pool[Symbol.asyncDispose]()))
    await this.#parts[Symbol.asyncDispose]()
  }

  #watch(): void {
    const { name } = this.#table
    const onChange = () => this.#checkSoon(false)
    this.#watching.use(new ChangeWatch({ table: name, onChange }))
    const hourly = setInterval(() => this.#checkSoon(true), HOUR_MS)
    hourly.unref()
    this.#watching.defer(() => clearInterval(hourly))
    this.#pools.own.fill()
    void this.#prover.untilKnown()
  }

  /** Coalesces calls: one more check follows. */
  #checkSoon(isTime: boolean): void {
    if (this.#isCheckWanted) return
    this.#isCheckWanted = true
    void this.#changes.run(async () => {
      this.#isCheckWanted = false
      if (!this.#watching.disposed) await this.#checkRules(isTime)
    })
  }

  /** Checks that the rules exist and fit the machine. Never rejects. */
  async #checkRules(isTime: boolean): Promise<void> {
    const { mtu } = this.#table
    const hasChanged = await this.#table.refresh().catch((error: unknown) => {
      const reason = describeError(error)
      this.#options.log.error({ reason }, 'applying the rules of the job network failed: retrying')
      clearTimeout(this.#retry)
      this.#retry = setTimeout(() => this.#checkSoon(false), RETRY_MS)
      this.#retry.unref()
      return true
    })
    if (this.#table.mtu !== mtu) await this.#makeReadyAgain()
    if (hasChanged || isTime) this.#prover.again()
    else this.#prover.soon()
  }

  /** Packets of namespaces with a higher MTU than the way out would be lost. */
  async #makeReadyAgain(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.empty()))
    this.#pools.own.fill()
  }

  async #resolvConf(audience: Audience): Promise<string> {
    const { plan } = this.#table
    const server = audience === 'own' ? plan.ownResolver : plan.strangersResolver
    const { rest } = await readNameServers()
    return [`nameserver ${server}`, ...rest, ''].join('\n')
  }
}
