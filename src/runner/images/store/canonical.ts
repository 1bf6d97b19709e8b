const HUB = 'docker.io/'
const OFFICIAL = 'library/'

/**
 * The one spelling of a full reference: engines take `node:24`, `library/node:24` and
 * `docker.io/library/node:24` for the same image.
 */
export function canonicalReference(full: string): string {
  const [first = '', ...rest] = full.split('/')
  // As engines decide whether it is a host.
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  if (!hasHost) return `${HUB}${rest.length === 0 ? OFFICIAL : ''}${full}`
  const isShort = first === 'index.docker.io' || (`${first}/` === HUB && rest.length === 1)
  if (!isShort) return full
  return `${HUB}${rest.length === 1 ? OFFICIAL : ''}${rest.join('/')}`
}
