import type { ImageReference } from '../../core/image-reference.ts'

/** A network in which a fetch runs. */
export interface FetchPlace extends AsyncDisposable {
  /** The command prefix for a program in it; empty: the machine's own. */
  readonly enter: readonly string[]
  /** Content of /etc/resolv.conf there; absent: the machine's. */
  readonly resolvConf?: string
}

/**
 * How images are fetched for strangers' jobs. What such a job names may lead the fetch anywhere: a registry says where
 * its tokens and its layers are. So it runs in a network from which only what strangers' jobs reach can be reached.
 */
export interface StrangersWay {
  /**
   * Rejects with `invalid` for a registry that strangers' jobs may not reach. `opened`: the operator has opened it to
   * all jobs, so that it is trusted with where it leads.
   */
  admit(image: ImageReference): Promise<'public' | 'opened'>
  /** A network of strangers' jobs; rejects with `unavailable` if there can't be one now. */
  connect(): Promise<FetchPlace>
}
