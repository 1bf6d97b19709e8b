import type { SandboxSpec } from '../../executor.ts'

/** What can't be changed once a container is running; a warm one waits for a job of the same kind. */
export interface WarmKind extends Pick<SandboxSpec, 'network' | 'isStranger'> {
  /** The full reference. */
  readonly image: string
}

const NO_NETWORK = ' without network'
const STRANGERS = ' for strangers'

/** The kind as a string, for counting and storing; image references contain no blank. */
export function warmKey({ image, network, isStranger }: WarmKind): string {
  // Without a network they reach the same: nothing.
  if (network === 'none') return `${image}${NO_NETWORK}`
  return isStranger ? `${image}${STRANGERS}` : image
}

export function warmKindOf(key: string): WarmKind {
  const [image = ''] = key.split(' ')
  return key.endsWith(NO_NETWORK)
    ? { image, network: 'none', isStranger: false }
    : { image, isStranger: key.endsWith(STRANGERS) }
}
