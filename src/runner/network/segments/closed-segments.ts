import { NarwhalError } from '../../../lib/errors.ts'
import { isProgram } from '../commands.ts'
import { ipBatch, NAMESPACE_BASICS, runInside } from '../inside.ts'
import { listNames } from '../machine.ts'
import { enterBy, removeNamespaces } from '../routed/namespaces.ts'
import { jobInterface, prefixOf } from '../routed/rules.ts'
import { runnerId } from '../runner-id.ts'
import type { JobSegment, SegmentSpec } from '../segment.ts'
import { openHolder } from '../user/holder.ts'
import { hasIpv6Loopback, hostsLines } from './hosts.ts'
import {
  disposedBy,
  namespacesOf,
  noPlace,
  openSegment,
  type SegmentGround,
} from './open-segment.ts'
import { userGround } from './user-ground.ts'

/** Nobody but the job's own containers is in reach, so each job may have the same. */
const SUBNET = '10.64.0.0/26'
const MTU = 1_500
/** Nothing answers there, so a name that /etc/hosts lacks fails at once. */
const NO_NAMES = 'nameserver 127.0.0.1\n'

/** Networks of jobs that reach nothing but their own services; the machine is not in them either. */
export class ClosedSegments {
  readonly #id: string
  /** Set once what a previous process left has been removed. */
  #swept: Promise<void> | undefined
  #next = 0

  /** `sweeps`: whether nobody else removes what a previous process of this instance left. */
  constructor(instance: string, { sweeps }: { readonly sweeps: boolean }) {
    this.#id = runnerId(instance)
    if (!sweeps) this.#swept = Promise.resolve()
  }

  /** Rejects with `unavailable` if services can't be connected here. */
  async open(spec: SegmentSpec, notes: readonly string[] = []): Promise<JobSegment> {
    const closed = { ...spec, reach: 'none' as const }
    if (spec.services.length === 0) return emptySegment(spec.hostname, notes)
    const missing = []
    for (const program of ['ip', 'nft', 'nsenter']) {
      if (!(await isProgram(program))) missing.push(program)
    }
    if (missing.length > 0) {
      const words = `services can't be connected: the runner needs ${missing.join(', ')}: apt-get install nftables iproute2 util-linux`
      throw new NarwhalError('unavailable', words)
    }
    return process.getuid?.() === 0 ? this.#asRoot(closed, notes) : asUser(closed, notes)
  }

  async #asRoot(spec: SegmentSpec, notes: readonly string[]): Promise<JobSegment> {
    this.#swept ??= sweep(prefixOf(this.#id))
    await this.#swept
    const name = jobInterface(this.#id, spec.audience, `i${(this.#next++).toString(36)}`)
    const all = [name, ...namespacesOf(spec, name)]
    const enter = enterBy(name)
    const place = (one: string) => ({ enter: enterBy(one), netns: `/run/netns/${one}` })
    const ground = { ...place(name), resolvConf: NO_NAMES, administer: enter, named: place }
    try {
      await runInside([], [`ip netns add ${name}`])
      await runInside(enter, [...NAMESPACE_BASICS, ipBatch(['link set dev lo up'])])
      const opened = await openSegment(spec, partsOf(ground, name, notes))
      return disposedBy(opened, () => removeNamespaces([], all))
    } catch (error) {
      await removeNamespaces([], all)
      throw error
    }
  }
}

/** No services, and nothing to reach: the runtime makes it. */
export async function emptySegment(
  hostname: string,
  notes: readonly string[],
  kind: 'machine' | 'none' = 'none',
): Promise<JobSegment> {
  const named = [{ address: '127.0.0.1', name: hostname }]
  const hosts = hostsLines(named, await hasIpv6Loopback())
  const names = kind === 'none' ? { resolvConf: NO_NAMES } : {}
  const job = { enter: [], hosts, ...names }
  return {
    kind,
    job,
    place: noPlace,
    expose: noPlace,
    notes,
    [Symbol.asyncDispose]: async () => {},
  }
}

async function asUser(spec: SegmentSpec, notes: readonly string[]): Promise<JobSegment> {
  await using stack = new AsyncDisposableStack()
  const holder = stack.use(await openHolder('all'))
  const ground = userGround(holder, NO_NAMES)
  const opened = await openSegment(spec, partsOf(ground, 'job', notes))
  const owned = stack.move()
  return disposedBy(opened, () => owned.disposeAsync())
}

function partsOf(ground: SegmentGround, prefix: string, notes: readonly string[]) {
  return { ground, subnet: SUBNET, mtu: MTU, prefix, notes }
}

async function sweep(prefix: string): Promise<void> {
  const { links, namespaces } = await listNames(prefix)
  if (links.length + namespaces.length > 0) await removeNamespaces(links, namespaces)
}
