import { networkInterfaces } from 'node:os'
import { describeError } from '../../../lib/errors.ts'
import type { LendNetwork } from '../job-networks.ts'
import type { NetworkOptions } from '../options.ts'
import { asIpv6, CLOSED, PRIVATE } from '../ranges.ts'
import { type JobNamespace, MACHINE_END, type Namespaces } from '../routed/namespaces.ts'
import { type Audience, prefixOf } from '../routed/rules.ts'
import type { Table } from '../routed/table.ts'
import { openOutside } from '../user/outside.ts'
import { type EngineProofDeps, proveEngine } from './engine-proof.ts'
import { type Dropped, letThrough, listDropping } from './let-through.ts'
import { type Proof, prove } from './proof.ts'

type ProvenTable = Pick<Table, 'id' | 'plan' | 'hasIpv6' | 'alsoPrivate' | 'ownAddresses'>

export interface ProverDeps {
  readonly table: ProvenTable
  readonly namespaces: Pick<Namespaces, 'make' | 'remove'>
  /** For networks of a container engine. */
  readonly places: Pick<EngineProofDeps, 'reserve'>
  readonly options: Pick<NetworkOptions, 'settings' | 'log' | 'stays'>
}

/** Retry interval after a failure, in milliseconds. */
const RETRY_MS = 5_000
/** How long a process that does not stay runs before the first proof, in milliseconds. */
const FIRST_MS = 2_000
/** Minimum interval between proofs after foreign changes, in milliseconds. */
const REST_MS = 300_000
const MOST_NAMED = 8

/**
 * What is known about the isolation of the jobs' network: *unknown* until the first proof has ended, then
 * *proven*, or *failed* with a message. One proof runs at a time; until it ends the last result holds.
 */
export class Prover {
  /** Why the last proof failed; empty: it has not. */
  known = ''
  /** What does not work that should, as a message for the logs of jobs. */
  note = ''
  /** Why isolation could not be proven for containers; empty: it was, or there are none. */
  engineTrouble = ''
  #lend: LendNetwork | undefined
  readonly #deps: ProverDeps
  #first: Promise<void> | undefined
  #running: Promise<void> | undefined
  #isAskedAgain = false
  #endedAt = 0
  #timer: NodeJS.Timeout | undefined
  readonly #closing = new AbortController()

  constructor(deps: ProverDeps) {
    this.#deps = deps
  }

  /**
   * The current result; starts the first proof, and another after a failure. A proof takes longer than a short
   * run of the user's own jobs, which don't wait for it: it starts if that run goes on.
   */
  get trouble(): string {
    if (this.#deps.options.stays) this.#first ??= this.#run()
    else this.#beginLater()
    if (this.known !== '' && performance.now() > this.#endedAt + RETRY_MS) void this.#run()
    return this.known
  }

  /** The result, once there is one. */
  async untilKnown(): Promise<string> {
    this.#first ??= this.#run()
    await this.#first
    return this.trouble
  }

  /** Includes the networks of an engine from now on. */
  async proveEngine(lend: LendNetwork): Promise<void> {
    this.#lend = lend
    this.engineTrouble = 'it is not known yet what they can reach'
    this.#isAskedAgain = true
    this.#first ??= this.#run()
    await this.#run()
  }

  async leaveEngine(lend: LendNetwork): Promise<void> {
    if (this.#lend !== lend) return
    this.#lend = undefined
    await this.#running
  }

  /** Proves it again. */
  again(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isAskedAgain = true
    void this.#run()
  }

  /** Proves it again, but not before the minimum interval is over. */
  soon(): void {
    const restMs = this.#endedAt + REST_MS - performance.now()
    if (restMs <= 0) return this.again()
    this.#timer ??= setTimeout(() => this.again(), restMs)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#timer)
    await this.#running
  }

  #beginLater(): void {
    if (this.#first || this.#timer) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#first ??= this.#run()
    }, FIRST_MS)
    this.#timer.unref()
  }

  #run(): Promise<void> {
    this.#running ??= this.#prove().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #prove(): Promise<void> {
    const { log } = this.#deps.options
    do {
      this.#isAskedAgain = false
      if (this.#closing.signal.aborted) return
      const { known, note } = this
      try {
        await this.#judge(await this.#proveBoth())
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.known = `what jobs can reach could not be tested: ${this.#withoutNames(describeError(error))}`
      }
      this.#endedAt = performance.now()
      if (this.known !== known && this.known !== '') log.error({ reason: this.known }, TROUBLE)
      if (this.known !== known && this.known === '') log.info('isolation of the job network proven')
      if (this.note !== note && this.note !== '') log.warn({ reason: this.note }, NO_OUTSIDE)
    } while (this.#isAskedAgain)
  }

  async #proveBoth(): Promise<readonly Proof[]> {
    const { table, namespaces } = this.#deps
    const { signal } = this.#closing
    await using stack = new AsyncDisposableStack()
    const open = async (audience: Audience): Promise<JobNamespace> => {
      const place = await namespaces.make(audience)
      stack.defer(() => namespaces.remove(place.name))
      return place
    }
    const own = await open('own')
    const neighbour = await open('own')
    const strangers = await open('strangers')
    const outside = stack.use(await openOutside(table.id, table.hasIpv6))
    const { ownResolver, strangersResolver } = table.plan
    const both = { neighbour, outside, machine: addressesOf(table), signal }
    const ranges = this.#ranges()
    const ofBoth = await Promise.all([
      prove({ ...both, enter: own.enter, ranges: ranges.own, resolver: ownResolver }),
      prove({
        ...both,
        enter: strangers.enter,
        ranges: ranges.strangers,
        resolver: strangersResolver,
      }),
    ])
    return [...ofBoth, ...(await this.#tryEngine({ outside, machine: both.machine, signal }))]
  }

  #ranges(): Readonly<Record<Audience, readonly string[]>> {
    const { table, options } = this.#deps
    const isPrivate = [...PRIVATE, ...table.alsoPrivate]
    const isDenied = options.settings.privateNetworks === 'deny'
    return {
      own: [...CLOSED, ...(isDenied ? isPrivate : [])].filter(isTried),
      strangers: [...CLOSED, ...isPrivate].filter(isTried),
    }
  }

  async #tryEngine(common: EngineProofDeps['common']): Promise<readonly Proof[]> {
    if (!this.#lend) return []
    const { table, places, options } = this.#deps
    const lend = this.#lend
    const before = this.engineTrouble
    try {
      const proofs = await proveEngine({
        ...places,
        id: table.id,
        lend,
        ranges: this.#ranges(),
        common,
      })
      this.engineTrouble = ''
      return proofs
    } catch (error) {
      if (common.signal.aborted) return []
      this.engineTrouble = `what containers can reach could not be tested: ${this.#withoutNames(describeError(error))}`
      if (this.engineTrouble !== before) options.log.warn({ reason: this.engineTrouble }, UNTRIED)
      return []
    }
  }

  /** Each proof has its own names, which would make the same failure look new each time. */
  #withoutNames(text: string): string {
    return text.replaceAll(new RegExp(`\\b${prefixOf(this.#deps.table.id)}\\w+`, 'g'), 'nw…')
  }

  async #judge(proofs: readonly Proof[]): Promise<void> {
    const open = [...new Set(proofs.flatMap((proof) => proof.open))]
    this.known =
      open.length === 0
        ? ''
        : `jobs are not kept from ${inWords(open)}, though the rules say so: see what else changes this machine's firewall (nft list ruleset)`
    if (!proofs.every(({ hasOutside }) => hasOutside)) {
      this.note = `this machine's firewall drops what jobs send to the outside${await this.#wayFor('forwarded')}`
    } else if (!proofs.every(({ hasNames }) => hasNames)) {
      this.note = `this machine's firewall drops what jobs ask for names${await this.#wayFor('names')}`
    } else {
      this.note = ''
    }
  }

  async #wayFor(dropped: Dropped): Promise<string> {
    const commands = letThrough(dropped, await listDropping(dropped), prefixOf(this.#deps.table.id))
    return `; let it through: ${commands}`
  }
}

/** All addresses at which a job could reach the machine without the rules. */
function addressesOf({ plan, ownAddresses }: ProvenTable): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.map(({ address }) => address),
  )
  // A link-local address belongs to an interface: elsewhere, only the machine's end of the job's own counts.
  const own = all.filter((address) => !address.startsWith('fe80:'))
  const written = ownAddresses.flatMap(asIpv6).filter((address) => !address.includes('/'))
  const { ownResolver, strangersResolver } = plan
  const cable = `${MACHINE_END}%eth0`
  return [...new Set([...own, ...written, cable, ownResolver, strangersResolver])]
}

/**
 * Of link-local addresses only the machine's own are tried: others need neighbour discovery, which is slow.
 */
function isTried(range: string): boolean {
  return range !== 'fe80::/10'
}

const TROUBLE = 'starting no jobs: their network is not isolated'
const UNTRIED = "strangers' jobs in containers get no network"
const NO_OUTSIDE = "jobs can't reach the outside"

function inWords(all: readonly string[]): string {
  const more = all.length - MOST_NAMED
  return `${all.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
