/** What can't be changed any more once a container runs: with it, one waits for the right job. */
export interface WarmKind {
  /** The full reference. */
  readonly image: string
  readonly network?: 'none'
}

const NO_NETWORK = ' without network'

/** Kinds as texts, to be counted and remembered; no image reference holds a blank. */
export function warmKey({ image, network }: WarmKind): string {
  return network === 'none' ? `${image}${NO_NETWORK}` : image
}

export function warmKindOf(key: string): WarmKind {
  return key.endsWith(NO_NETWORK)
    ? { image: key.slice(0, -NO_NETWORK.length), network: 'none' }
    : { image: key }
}
