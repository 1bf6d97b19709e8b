import type { ImageReference } from '../../../../core/image-reference.ts'
import { NarwhalError } from '../../../../lib/errors.ts'
import { ANY_HOSTS, type Hosts } from '../../../../lib/reach/hosts.ts'
import { holeNames } from '../../../network/closed-note.ts'
import type { Reach } from '../../../network/holes.ts'

/**
 * Throws `invalid` where a stranger's image is at a registry that a stranger's job may not reach: the engine is on
 * the inside and would fetch for it what it can't. The engine looks the name up itself, so that this holds for
 * honest names; an engine that is to pull for strangers and finds other names there must be kept from the inside.
 */
export async function checkRegistry(
  { name, full }: Pick<ImageReference, 'name' | 'full'>,
  reach: readonly Reach[],
  hosts: Hosts = ANY_HOSTS,
): Promise<void> {
  const registry = registryOf(name)
  if (!registry) return
  const { host, ports } = registry
  if (reach.some((one) => one.host.toLowerCase() === host && ports.includes(one.port))) return
  const found = await hosts
    .atMost('public')
    .find(host)
    .catch((error: unknown) => error)
  // Where there is no such host the engine says so itself.
  if (!(found instanceof NarwhalError) || found.code !== 'forbidden') return
  const [hole] = holeNames([{ host, port: ports[0] }])
  const words = `image ${full} is at a registry of a private network, and is not pulled for a stranger's job; the operator of the runner opens it by --reach ${hole}`
  throw new NarwhalError('invalid', words)
}

/** Undefined: the engine's usual one. The first part is a host where it looks like one, as engines see it. */
function registryOf(
  name: string,
): { host: string; ports: readonly [number, ...number[]] } | undefined {
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0 || !(/[.:]/.test(first) || first === 'localhost')) return undefined
  const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(first) ?? []
  const plain = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return { host: plain, ports: port === undefined ? [443, 80] : [Number(port)] }
}
