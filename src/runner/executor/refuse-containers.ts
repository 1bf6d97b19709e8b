import { NarwhalError } from '../../lib/errors.ts'
import type { SandboxSpec } from './executor.ts'

type Wanted = Pick<SandboxSpec, 'image' | 'images' | 'services'>

/** What of a job only a container engine can give, in words; undefined: nothing. */
export function containersWanted({ image, images, services }: Wanted): string | undefined {
  if (services?.length) return 'services need'
  const named = image ?? images?.[0]
  return named === undefined ? undefined : `image ${named} needs`
}

/** Throws `invalid` for a job that wants containers; `runner` says what there is in their place. */
export function refuseContainers(spec: Wanted, runner: string): void {
  const wanted = containersWanted(spec)
  if (wanted === undefined) return
  const instead = spec.services?.length ? '' : ', or remove `image:`'
  throw new NarwhalError(
    'invalid',
    `${wanted} a container engine, and this runner ${runner}: start Docker or Podman on it${instead}`,
  )
}
