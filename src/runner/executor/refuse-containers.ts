import { parseImageReference } from '../../core/image-reference.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { SandboxSpec } from './executor.ts'

type Wanted = Pick<SandboxSpec, 'image' | 'images' | 'services'>

/** What of a job requires a container engine, as the start of a message; undefined: nothing. */
export function containersWanted({ image, images, services }: Wanted): string | undefined {
  if (services?.length) return 'services need'
  const named = image ?? images?.[0]
  return named === undefined ? undefined : `image ${named} needs`
}

/** The full references of all images of a job. */
export function imagesWanted({ image, images = [], services = [] }: Wanted): readonly string[] {
  const named = [image, ...images, ...services.map((service) => service.image)]
  const present = named.filter((one) => one !== undefined)
  return [...new Set(present.map((one) => parseImageReference(one).full))]
}

/** Identifies errors of `noEngine`. */
const NO_ENGINE = new Error('there is no container engine')

/** For a job that requires containers when no engine answers; `words` say what to do. */
export function noEngine(words: string): NarwhalError {
  return new NarwhalError('unavailable', words, { cause: NO_ENGINE })
}

export function isNoEngine(error: unknown): boolean {
  return error instanceof NarwhalError && error.cause === NO_ENGINE
}

/** Throws `invalid` for a job that requires containers; `runner` says what this runner is instead. */
export function refuseContainers(spec: Wanted, runner: string): void {
  const wanted = containersWanted(spec)
  if (wanted === undefined) return
  const instead = spec.services?.length ? '' : ', or remove `image:`'
  throw new NarwhalError(
    'invalid',
    `${wanted} a container engine, and this runner ${runner}: start Docker or Podman on it${instead}`,
  )
}
