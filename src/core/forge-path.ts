import { type Forge, type ForgeKind, forgeFacts } from './forges.ts'

/** Where a clone URL leads: the forge's pages are there, too. */
export interface ClonePlace {
  /** Of the forge's pages: `https:`, or `http:` where the repository is cloned by it. */
  readonly scheme: 'https:' | 'http:'
  /** With the port of http and https; the port of ssh is not that of the pages. */
  readonly host: string
  /** Without slashes at its ends, and without `.git`. */
  readonly path: string
}

/** Of `https://host/path.git`, `ssh://git@host:22/path` or `git@host:path`; undefined for a local path. */
export function clonePlace(cloneUrl: string): ClonePlace | undefined {
  if (cloneUrl.includes('://')) {
    if (!URL.canParse(cloneUrl)) return undefined
    const { protocol, host, hostname, pathname } = new URL(cloneUrl)
    const scheme = protocol === 'http:' ? protocol : 'https:'
    return { scheme, host: protocol === 'ssh:' ? hostname : host, path: bare(decode(pathname)) }
  }
  const [, host, path] = /^(?:[^@/]+@)?([^:/]+):(.+)$/.exec(cloneUrl) ?? []
  return host && path ? { scheme: 'https:', host, path: bare(path) } : undefined
}

/** A repository's path at its forge, and the path below which the forge's pages are. */
export interface ForgePath {
  /** `owner/name`; with groups in it where the forge nests them. */
  readonly path: string
  /** Empty, or like `/git`. */
  readonly root: string
}

/**
 * A repository's path at a forge of this kind, from its clone URL; undefined if that can't be one. A forge may
 * be below a path of its host; where groups nest, that can't be told from a group.
 */
export function pathAtForge(
  kind: ForgeKind | undefined,
  place: ClonePlace | undefined,
): ForgePath | undefined {
  const parts = place?.path.split('/') ?? []
  if (parts.length < 2) return undefined
  const isNested = kind === undefined || forgeFacts(kind).hasNestedGroups === true
  const count = isNested ? parts.length : 2
  const root = parts.slice(0, -count)
  return { path: parts.slice(-count).join('/'), root: root.map((part) => `/${part}`).join('') }
}

/**
 * A repository's path at its forge: that of its clone URL. Its name here is Narwhal's own; it counts only where
 * the clone URL has no such path, as that of a folder.
 */
export function forgePathOf({
  forge,
  cloneUrl,
  name,
}: {
  readonly forge: Forge
  readonly cloneUrl: string
  readonly name: string
}): string {
  const kind = forge === 'git' ? undefined : forge
  return pathAtForge(kind, clonePlace(cloneUrl))?.path ?? name
}

function bare(path: string): string {
  return path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '')
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
