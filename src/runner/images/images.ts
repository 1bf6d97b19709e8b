import type { ImageReference } from '../../core/image-reference.ts'
import type { ImagePull } from '../../core/plan/image-pull.ts'
import type { HeldImage } from './held-image.ts'

/** How an image is held, and on whose behalf. */
export interface HoldOptions {
  readonly signal: AbortSignal
  /**
   * When a registry is asked: `missing`, the default, only for what is not in the store; `always` for the
   * digest of a tag each time; `never` not at all.
   */
  readonly pull?: ImagePull
  /**
   * Logins of the job's own, in the form of Docker's `config.json`. For registries that they don't name, the
   * operator's hold, unless a stranger asks.
   */
  readonly login?: string
  /** Whether a stranger's job asks; see `checkRegistry`. */
  readonly isStranger?: boolean
  /** Receives lines for the job's log, without line ends. */
  readonly onProgress?: (line: string) => void
}

/**
 * The images of a runner that starts containers itself.
 *
 * - `hold` fetches and unpacks what is not there, shared by all who ask at once. It rejects with a
 *   NarwhalError: `not_found` for an image that does not exist or may not be read, `invalid` for one that this
 *   machine can't run, `exhausted` if there is no space, `unavailable` if a registry or a program fails.
 * - What is held is never removed, by whichever process of this machine.
 */
export interface Images {
  hold(image: ImageReference, ask: HoldOptions): Promise<HeldImage>
  /** The digest of an image in the store by its full reference; asks no registry and proves no right to it. */
  find(reference: string): Promise<string | undefined>
}
