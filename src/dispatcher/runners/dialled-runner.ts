import type { NewLink } from './runner-pool.ts'

/** A runner that somebody registers by its URL, or by that of a load balancer before several. */
export interface DialledRunner {
  readonly name: string
  readonly url: string
  readonly balanced: boolean
  readonly token?: string
  readonly labels?: readonly string[] | undefined
}

export function dialledRunner({ name, url, balanced, token, labels }: DialledRunner): NewLink {
  const link = { kind: 'dialled', url, balanced, ...(token ? { token } : {}) } as const
  return { name, link, allowedLabels: labels }
}
