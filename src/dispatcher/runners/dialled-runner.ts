import { present } from '../../lib/present.ts'
import type { NewLink } from './runner-pool.ts'

/** A runner to be registered by its URL, or by that of a load balancer in front of several. */
export interface DialledRunner {
  readonly name: string
  readonly url: string
  readonly balanced: boolean
  readonly token?: string
  readonly labels?: readonly string[] | undefined
}

export function dialledRunner({ name, url, balanced, token, labels }: DialledRunner): NewLink {
  const link = {
    kind: 'dialled',
    url,
    balanced,
    ...present({ token: token || undefined }),
  } as const
  return { name, link, allowedLabels: labels }
}
