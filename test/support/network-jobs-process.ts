import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { decode, encode } from 'dns-packet'
import { describeError } from '../../src/lib/errors.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Sandbox } from '../../src/runner/executor/executor.ts'
import { BubblewrapExecutor } from '../../src/runner/executor/local/bubblewrap.ts'
import { folderWorkspace } from '../../src/runner/executor/workspace.ts'
import { NetworkSource } from '../../src/runner/network/network-source.ts'
import { type NetworkSettings, USUAL_NETWORK } from '../../src/runner/network/options.ts'
import { SegmentJobs, type SegmentOrder } from './segment-jobs.ts'

/**
 * A runner's bubblewrap executor, as a process that a test can start where it wants: reads one order per
 * line, and prints the results, a line of JSON each.
 */

interface Start {
  readonly instance: string
  readonly folder: string
  readonly settings: Partial<NetworkSettings>
  /** What the machine's own name server knows. */
  readonly names: Readonly<Record<string, string>>
}

/** `open` a job, `run` a script in it, or get the `trouble` of the runner. */
export type NetworkOrder =
  | { readonly open: string; readonly isStranger: boolean; readonly network?: 'none' }
  | { readonly run: string; readonly script: string }
  /** As `run`, in parallel with later ones; resolves once it has printed something. */
  | { readonly start: string; readonly script: string }
  | { readonly trouble: true }
  | SegmentOrder

const { instance, folder, settings, names } = JSON.parse(process.argv[2] ?? '') as Start
const never = new AbortController().signal
const upstream = await serveNames()
const networks = new NetworkSource({
  settings: { ...USUAL_NETWORK, ...settings },
  instance,
  slots: 2,
  ready: 1,
  warmSandboxes: 0,
  stays: true,
  log: silentLog(),
  servers: async () => [upstream],
})
const executor = new BubblewrapExecutor({ instance, hide: [], networks, folder })
const sandboxes = new Map<string, Sandbox>()
const segments = new SegmentJobs(networks, folder)

// Stands for Narwhal's own port, and every other server on the machine.
const welcome = (socket: Socket): void => void socket.on('error', () => {}).end('sesame')
const witness = createServer(welcome)
witness.listen(0, '::')
await once(witness, 'listening')
const abstract = createServer(welcome).listen(`\0${instance}`)
await once(abstract, 'listening')
const address = witness.address()
say({ port: typeof address === 'object' ? address?.port : 0 })

for await (const line of createInterface({ input: process.stdin })) {
  say(
    await obey(JSON.parse(line) as NetworkOrder).catch((error: unknown) => ({
      error: describeError(error),
    })),
  )
}
for (const sandbox of sandboxes.values()) await sandbox[Symbol.asyncDispose]()
await segments[Symbol.asyncDispose]()
await executor[Symbol.asyncDispose]()
await networks[Symbol.asyncDispose]()
process.exit(0)

async function obey(order: NetworkOrder): Promise<unknown> {
  if ('trouble' in order) return { trouble: (await networks.get()).trouble }
  if ('connect' in order || 'segment' in order || 'close' in order) return segments.obey(order)
  if ('open' in order) {
    const { open: name, isStranger, network } = order
    const workspace = `${folder}/workspace-${name}`
    await mkdir(workspace, { recursive: true })
    const limits = { memoryBytes: 2 ** 29, cpus: 1, processes: 256 }
    const asked = network === undefined ? {} : { network }
    const spec = {
      name: `job_${name}/1`,
      workspace: folderWorkspace(workspace),
      limits,
      isStranger,
      ...asked,
    }
    const sandbox = await executor.open(spec, never)
    sandboxes.set(name, sandbox)
    return { notes: sandbox.notes ?? [] }
  }
  if ('start' in order) {
    const background = { end: never }
    const said = Promise.withResolvers<unknown>()
    const step = { script: order.script, env: {}, background }
    const sandbox = sandboxes.get(order.start)
    // It ends with its sandbox.
    sandbox?.run(step, () => said.resolve({}), never).catch(() => {})
    return await said.promise
  }
  let output = ''
  const hear = (_: string, chunk: Uint8Array) => void (output += Buffer.from(chunk).toString())
  const sandbox = sandboxes.get(order.run)
  const exit = await sandbox?.run({ script: order.script, env: {} }, hear, never)
  return { ...exit, output }
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

/** A name server on the machine's loopback, as systemd's is. */
async function serveNames(): Promise<{ address: string; port: number }> {
  const socket = createSocket('udp4')
  socket.on('message', (asked, from) => {
    const { id, questions = [] } = decode(asked)
    const answers = questions.flatMap(({ name, type }) => {
      const data = names[name]
      return type === 'A' && data !== undefined ? [{ type, name, ttl: 5, data } as const] : []
    })
    socket.send(encode({ type: 'response', id, questions, answers }), from.port, from.address)
  })
  socket.bind({ address: '127.0.0.53', port: 0 })
  await once(socket, 'listening')
  return { address: '127.0.0.53', port: socket.address().port }
}
