import { NarwhalError } from '../../lib/errors.ts'
import type { SandboxSpec } from './executor.ts'

type Wanted = Pick<SandboxSpec, 'image' | 'images' | 'services'>

/** What of a job only a container engine can give, in words; undefined: nothing. */
export function containersWanted({ image, images, services }: Wanted): string | undefined {
  if (services?.length) return 'services need'
  const named = image ?? images?.[0]
  return named === undefined ? undefined : `image ${named} needs`
}

/** What `noEngine` is known by. */
const NO_ENGINE = new Error('there is no container engine')

/** For a job that wants containers where no engine answers; `words` say what to do. */
export function noEngine(words: string): NarwhalError {
  return new NarwhalError('unavailable', words, { cause: NO_ENGINE })
}

export function isNoEngine(error: unknown): boolean {
  return error instanceof NarwhalError && error.cause === NO_ENGINE
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
