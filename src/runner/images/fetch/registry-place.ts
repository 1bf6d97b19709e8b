import type { ImageReference } from '../../../core/image-reference.ts'
import { isLoopback } from '../../../lib/reach/loopback.ts'
import { canonicalReference } from '../store/canonical.ts'

/** Where an image is fetched from. */
export interface RegistryPlace {
  /** With the host, `docker.io/library/node`. */
  readonly repository: string
  /** The repository's path at the registry, `library/node`. */
  readonly path: string
  /** With the port, if it isn't 443. */
  readonly host: string
  /** Whether it is on this machine, where no certificate is asked for, as engines do. */
  readonly isLoopback: boolean
  /** The tag or the digest. */
  readonly version: string
}

const HUB = 'docker.io'
/** The host that serves images with names of docker.io. */
const HUB_HOST = 'registry-1.docker.io'

export function placeOf({ full, version }: ImageReference): RegistryPlace {
  const separator = version.includes(':') ? '@' : ':'
  const repository = canonicalReference(full).slice(0, -`${separator}${version}`.length)
  const [first = '', ...path] = repository.split('/')
  const host = first === HUB ? HUB_HOST : first
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return {
    repository,
    path: path.join('/'),
    host,
    isLoopback: isLoopback(name),
    version,
  }
}

/** As skopeo names it. */
export function transportOf({ repository }: RegistryPlace, version: string): string {
  return `docker://${repository}${version.includes(':') ? '@' : ':'}${version}`
}
