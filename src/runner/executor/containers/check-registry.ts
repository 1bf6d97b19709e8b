import type { ImageReference } from '../../../core/image-reference.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { ANY_HOSTS, type Hosts } from '../../../lib/reach/hosts.ts'
import { holeNames } from '../../network/closed-note.ts'
import type { Reach } from '../../network/holes.ts'

/**
 * Throws `invalid` if a stranger's image is in a registry that a stranger's job may not reach; resolves to `opened`
 * if the operator has opened it to all jobs. The engine is inside the private network and would fetch it on the job's
 * behalf. The engine looks the name up itself, so
 * this holds for honest names; an engine that pulls for strangers and may get other answers must be kept out
 * of the private network.
 */
export async function checkRegistry(
  { name, full }: Pick<ImageReference, 'name' | 'full'>,
  reach: readonly Reach[],
  hosts: Hosts = ANY_HOSTS,
): Promise<'public' | 'opened'> {
  const registry = registryOf(name)
  if (!registry) return 'public'
  const { host, ports } = registry
  if (reach.some((one) => one.host.toLowerCase() === host && ports.includes(one.port))) {
    return 'opened'
  }
  const found = await hosts
    .atMost('public')
    .find(host)
    .catch((error: unknown) => error)
  // If the host does not exist, the engine will say so.
  if (!(found instanceof NarwhalError) || found.code !== 'forbidden') return 'public'
  const [hole] = holeNames([{ host, port: ports[0] }])
  const words = `image ${full} is in a registry of a private network and can't be pulled for a stranger's job; the runner's operator can allow it with --reach ${hole}`
  throw new NarwhalError('invalid', words)
}

/** Undefined: the engine's default. The first part is a host if it looks like one, as engines decide it. */
function registryOf(
  name: string,
): { host: string; ports: readonly [number, ...number[]] } | undefined {
  const [first = '', ...rest] = name.split('/')
  if (rest.length === 0 || !(/[.:]/.test(first) || first === 'localhost')) return undefined
  const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(first) ?? []
  const plain = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return { host: plain, ports: port === undefined ? [443, 80] : [Number(port)] }
}
