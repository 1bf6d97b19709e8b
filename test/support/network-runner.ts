import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { NetworkSettings } from '../../src/runner/network/options.ts'
import type { SegmentSpec, ServicePort } from '../../src/runner/network/segment.ts'
import type { NetworkOrder } from './network-jobs-process.ts'
import type { ConnectedSegment } from './segment-jobs.ts'

const PROGRAM = new URL('./network-jobs-process.ts', import.meta.url).pathname

export interface JobResult {
  readonly exitCode: number
  readonly output: string
}

/** The process of network-jobs-process.ts, wherever it was started. */
export interface NetworkRunner extends AsyncDisposable {
  /** Of a server on the machine, on all its addresses. */
  readonly port: number
  readonly abstract: string
  /** Opens a job; resolves to the network notes for its log. */
  open(name: string, isStranger?: boolean): Promise<readonly string[]>
  run(name: string, script: string): Promise<JobResult>
  /** Runs a script in parallel with later ones; resolves once it has printed something. */
  start(name: string, script: string): Promise<unknown>
  trouble(): Promise<string>
  /** Opens the network of a job in containers; an own one with a way out, unless the spec says otherwise. */
  connect(name: string, spec?: Partial<SegmentSpec>): Promise<ConnectedSegment>
  /** Runs a script in a segment: `job`, or a service. */
  runAt(segment: string, at: string, script: string): Promise<JobResult>
  /** The same until the segment's end; resolves once it has printed something. */
  serveAt(segment: string, at: string, script: string): Promise<unknown>
  /** Adds ports of a service; resolves to the segment's notes. */
  expose(
    segment: string,
    service: string,
    ports: readonly ServicePort[],
  ): Promise<readonly string[]>
  /** Ends what runs in a segment, and disposes of it. */
  close(segment: string): Promise<unknown>
  /** Kills it at once, without its cleanup. */
  kill(): Promise<void>
}

export interface NetworkRunnerStart {
  readonly instance: string
  readonly folder: string
  readonly settings: Partial<NetworkSettings>
  readonly names: Readonly<Record<string, string>>
}

export function runnerCommand(start: NetworkRunnerStart): readonly string[] {
  return [process.execPath, PROGRAM, JSON.stringify(start)]
}

/** Starts it by this command, which ends in `runnerCommand`. */
export async function startNetworkRunner(
  [command = '', ...args]: readonly string[],
  instance: string,
): Promise<NetworkRunner> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async <Said>(): Promise<Said> => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the runner of the test has ended')
    return JSON.parse(value) as Said
  }
  const ask = async <Said>(order: NetworkOrder): Promise<Said> => {
    child.stdin.write(`${JSON.stringify(order)}\n`)
    const said = await next<Said & { readonly error?: string }>()
    if (said.error !== undefined) throw new Error(said.error)
    return said
  }
  const { port } = await next<{ port: number }>()
  return {
    port,
    abstract: instance,
    open: async (name, isStranger = false) =>
      (await ask<{ notes: readonly string[] }>({ open: name, isStranger })).notes,
    start: (name, script) => ask({ start: name, script }),
    run: (name, script) => ask<JobResult>({ run: name, script }),
    connect: (name, spec = {}) =>
      ask({ connect: name, audience: 'own', reach: 'outside', services: [], ...spec }),
    runAt: (segment, at, script) => ask<JobResult>({ segment, at, script }),
    serveAt: (segment, at, script) => ask({ segment, at, script, isServer: true }),
    expose: async (segment, service, ports) => {
      const order = { expose: service, segment, ports }
      return (await ask<{ notes: readonly string[] }>(order)).notes
    },
    close: (segment) => ask({ close: segment }),
    trouble: async () => (await ask<{ trouble: string }>({ trouble: true })).trouble,
    kill: async () => {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const closed = once(child, 'close')
      child.stdin.end()
      await closed
    },
  }
}
