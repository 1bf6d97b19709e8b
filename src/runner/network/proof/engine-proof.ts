import { networkInterfaces } from 'node:os'
import { runIp } from '../commands.ts'
import type { EngineNetwork, LendNetwork } from '../job-networks.ts'
import { spanOf, toAddress } from '../ranges.ts'
import { enterBy, removeNamespaces } from '../routed/namespaces.ts'
import type { Audience } from '../routed/rules.ts'
import { type Proof, type ProofDeps, type ProofPlace, prove } from './proof.ts'

export interface EngineProofDeps {
  readonly id: string
  readonly lend: LendNetwork
  readonly reserve: (audience: Audience) => EngineNetwork
  readonly ranges: Readonly<Record<Audience, readonly string[]>>
  /** As for a job without containers. */
  readonly common: Pick<ProofDeps, 'machine' | 'outside' | 'signal'>
}

/**
 * Proves from the bridges of a container engine that everything is closed: puts a namespace on each, as a
 * container would be. Each is the other's neighbour. Rejects if that is not possible.
 */
export async function proveEngine(deps: EngineProofDeps): Promise<readonly Proof[]> {
  await using stack = new AsyncDisposableStack()
  const open = async (audience: Audience) => {
    const network = deps.reserve(audience)
    stack.use(await deps.lend(network))
    return { network, place: stack.use(await attach(`nt${deps.id}${audience[0]}`, network)) }
  }
  const own = await open('own')
  const strangers = await open('strangers')
  const { outside, ...common } = deps.common
  // IPv6 is off in containers.
  const addresses = outside?.addresses.filter((address) => !address.includes(':')) ?? []
  const from = (audience: Audience, here: typeof own, there: typeof own): Promise<Proof> =>
    prove({
      ...common,
      ...(outside ? { outside: { ...outside, addresses } } : {}),
      enter: here.place.enter,
      machine: [...new Set([...deps.common.machine, ...machineAt(here.network)])],
      ranges: deps.ranges[audience],
      neighbour: there.place,
      resolver: here.network.resolver,
    })
  return await Promise.all([from('own', own, strangers), from('strangers', strangers, own)])
}

/** Where the machine would answer on this bridge. */
function machineAt({ bridge, gateway }: EngineNetwork): readonly string[] {
  const all = networkInterfaces()[bridge] ?? []
  const local = all.filter(({ address }) => address.startsWith('fe80:'))
  return [gateway, ...local.map(({ address }) => `${address}%eth0`)]
}

/** A namespace on the bridge, at the last address of its network. */
async function attach(
  name: string,
  { bridge, subnet, gateway }: EngineNetwork,
): Promise<ProofPlace & AsyncDisposable> {
  const address = toAddress(spanOf(subnet).last - 1)
  await removeNamespaces([name])
  try {
    await runIp([
      `netns add ${name}`,
      `link add ${name} type veth peer name eth0 netns ${name}`,
      `link set dev ${name} master ${bridge}`,
      `link set dev ${name} up`,
    ])
    await runIp(
      [
        'link set dev lo up',
        `addr add ${address}/${subnet.split('/')[1]} dev eth0`,
        'link set dev eth0 up',
        `route add default via ${gateway} dev eth0`,
      ],
      { namespace: name },
    )
  } catch (error) {
    await removeNamespaces([name])
    throw error
  }
  return {
    enter: enterBy(name),
    address,
    [Symbol.asyncDispose]: () => removeNamespaces([name]),
  }
}
