import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { NetworkSource } from '../../src/runner/network/network-source.ts'
import type { JobSegment, SegmentSpec, ServicePort } from '../../src/runner/network/segment.ts'

/** `connect` a job's containers, run a script `at` a place (a service, or `job`), `close` what it has. */
export type SegmentOrder = SegmentStart | SegmentScript | ExposeOrder | { readonly close: string }

/** Answered with the notes of the segment. */
interface ExposeOrder {
  readonly expose: string
  readonly segment: string
  readonly ports: readonly ServicePort[]
}

export interface SegmentStart extends Omit<SegmentSpec, 'hostname'> {
  readonly connect: string
}

export interface SegmentScript {
  readonly segment: string
  readonly at: string
  readonly script: string
  /** Resolves once it has printed something; it ends with its segment. */
  readonly isServer?: true
}

export interface ConnectedSegment extends Pick<JobSegment, 'kind' | 'notes'> {
  readonly addresses: Readonly<Record<string, string | undefined>>
}

type Program = ChildProcessByStdio<null, Readable, Readable>

/** The segments of a test's runner, with programs in them as containers are: with the place's own names. */
export class SegmentJobs implements AsyncDisposable {
  readonly #networks: NetworkSource
  readonly #folder: string
  readonly #open = new Map<string, { segment: JobSegment; servers: Program[] }>()
  #files = 0

  constructor(networks: NetworkSource, folder: string) {
    this.#networks = networks
    this.#folder = folder
  }

  async obey(order: SegmentOrder): Promise<unknown> {
    if ('connect' in order) return await this.#connect(order)
    if ('close' in order) return await this.#close(order.close)
    if ('expose' in order) {
      const segment = this.#open.get(order.segment)?.segment
      await segment?.expose(order.expose, order.ports)
      return { notes: segment?.notes }
    }
    const child = await this.#start(order)
    if (order.isServer) return { output: String(await once(child.stdout, 'data')) }
    const ended = once(child, 'close')
    const [output, trouble] = await Promise.all([text(child.stdout), text(child.stderr)])
    await ended
    return { output: `${output}${trouble}`, exitCode: child.exitCode }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#open.keys()) await this.#close(name)
  }

  async #connect({ connect, ...spec }: SegmentStart): Promise<ConnectedSegment> {
    const networks = await this.#networks.get()
    const segment = await networks.segment({ ...spec, hostname: 'narwhal' })
    this.#open.set(connect, { segment, servers: [] })
    const addresses = spec.services.map(({ name }) => [name, segment.place(name).address])
    const { kind, notes, job } = segment
    return { kind, notes, addresses: { job: job.address, ...Object.fromEntries(addresses) } }
  }

  async #start({ segment: name, at, script, isServer }: SegmentScript): Promise<Program> {
    const one = this.#open.get(name)
    if (!one) throw new Error(`there is no segment ${name}`)
    const place = at === 'job' ? one.segment.job : one.segment.place(at)
    const file = async (content: string): Promise<string> => {
      const path = join(this.#folder, `names-${this.#files++}`)
      await writeFile(path, content)
      return path
    }
    const hosts = await file(`${place.hosts.join('\n')}\n`)
    const servers = await file(place.resolvConf ?? '')
    const view = [
      `mount --bind ${hosts} /etc/hosts`,
      `mount --bind ${servers} "$(realpath /etc/resolv.conf)"`,
      script,
    ].join('\n')
    const [command, ...args] = [...place.enter, 'unshare', '--mount', 'bash', '-c', view]
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    if (isServer) one.servers.push(child)
    return child
  }

  async #close(name: string): Promise<unknown> {
    const one = this.#open.get(name)
    this.#open.delete(name)
    for (const server of one?.servers ?? []) {
      const closed = once(server, 'close')
      server.kill('SIGKILL')
      await closed
    }
    await one?.segment[Symbol.asyncDispose]()
    return {}
  }
}
