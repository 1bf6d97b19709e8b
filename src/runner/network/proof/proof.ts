import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { present } from '../../../lib/present.ts'
import { ofFamily, spanOf, toAddress } from '../ranges.ts'
import { listenInside, tryInside } from '../user/run-inside.ts'
import { type Tried, TriedSchema, type Tries } from './tries.ts'

/** A network in which something can be started, through `enter`. */
export interface ProofPlace {
  readonly enter: readonly string[]
  readonly address: string
}

export interface ProofDeps {
  readonly enter: readonly string[]
  /** Addresses at which the machine would answer if it could be reached. */
  readonly machine: readonly string[]
  /** Ranges that are closed. */
  readonly ranges: readonly string[]
  readonly neighbour?: ProofPlace
  readonly resolver?: string
  /** A place on the outside, and its addresses. */
  readonly outside?: { readonly place: ProofPlace; readonly addresses: readonly string[] }
  readonly signal: AbortSignal
}

export interface Proof {
  /** What was, or may have been, reached although it is closed; empty: isolation is proven. */
  readonly open: readonly string[]
  /** Whether the name server answers; true if there was none to ask. */
  readonly hasNames: boolean
  /** Whether packets to the outside arrive; true if there was nothing to try. */
  readonly hasOutside: boolean
}

/** Usually enough; what is undecided by then is tried once more, for longer. */
const WAIT_MS = 500
const PATIENT_MS = 4_000

/** Tries from inside a job's network to reach everything that is closed there. */
export async function prove(deps: ProofDeps): Promise<Proof> {
  await using stack = new AsyncDisposableStack()
  const { neighbour, outside, signal } = deps
  // Witnesses: they would answer if they could be reached.
  const path = `narwhal-proof-${randomBytes(8).toString('hex')}`
  await witness(stack, { path: `\0${path}` })
  const port = await witness(stack, { port: 0, host: '::' }).catch(() =>
    witness(stack, { port: 0, host: '0.0.0.0' }),
  )
  const other = neighbour && stack.use(await listenInside(neighbour.enter, signal))
  const beyond = outside && stack.use(await listenInside(outside.place.enter, signal))
  const witnessed = [
    { what: "the machine's abstract sockets", path },
    ...deps.machine.map((address) => ({ what: `the machine at ${address}`, address, port })),
    ...(other && neighbour
      ? [{ what: 'another job', address: neighbour.address, port: other.port }]
      : []),
  ]
  const closed = [
    ...witnessed,
    ...deps.ranges.map((range) => ({ what: range, address: oneOf(range), port })),
  ]
  const open = (outside?.addresses ?? []).map((address) => ({ address, port: beyond?.port ?? 0 }))
  const attempt = async (waitMs: number): Promise<Proof> => {
    const tries: Tries = {
      connections: [...closed, ...open].map((one) =>
        'path' in one ? { path: one.path } : { address: one.address, port: one.port },
      ),
      ...present({ resolver: deps.resolver }),
      waitMs,
    }
    const said = await tryInside(deps.enter, JSON.stringify(tries), signal)
    const { connections, answered }: Tried = TriedSchema.parse(JSON.parse(said))
    const isOpen = (index: number) => {
      const how = connections[index]
      // Without a witness, a timeout may have another reason.
      return how === 'connected' || (how === 'timeout' && index >= witnessed.length)
    }
    return {
      open: closed.filter((_, index) => isOpen(index)).map(({ what }) => what),
      hasNames: answered,
      hasOutside: open.every((_, index) => connections[closed.length + index] === 'connected'),
    }
  }
  const proof = await attempt(WAIT_MS)
  const isDone = proof.open.length === 0 && proof.hasNames && proof.hasOutside
  return isDone ? proof : await attempt(PATIENT_MS)
}

async function witness(
  stack: AsyncDisposableStack,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).destroy())
  server.listen(where)
  await once(server, 'listening')
  stack.defer(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** An address in the range: for IPv4, in its middle. */
function oneOf(range: string): string {
  const [address = ''] = range.split('/')
  if (ofFamily([range], 'ipv6').length > 0) {
    return address.endsWith('::') ? `${address}4711` : address
  }
  const { first, last } = spanOf(range)
  return toAddress(Math.floor((first + last) / 2))
}
