import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Forge, forgeAt } from '../../core/forges.ts'
import { NarwhalError } from '../../lib/errors.ts'

/** The repository that a URL or path refers to. */
export interface Origin {
  /** As the API expects it: paths are absolute. */
  readonly cloneUrl: string
  /** `owner/name` for a URL, the folder's name for a path. */
  readonly name: string
  readonly forge: Forge
}

/** Throws `invalid` for what is neither a URL nor a folder. */
export async function readOrigin(given: string, cwd: string): Promise<Origin> {
  if (given.startsWith('file://')) return pathOrigin(fileURLToPath(given))
  const remote =
    /^(?:[a-z+]+:\/\/(?:[^/@]*@)?([^/:]+)(?::\d+)?\/|(?:[^/@:]+@)?([^/:@]+):)(.+)$/i.exec(given)
  if (remote && !given.startsWith('.') && !given.startsWith('/')) {
    const [, host = remote[2] ?? '', , path = ''] = remote
    const parts = path.split(/[?#]/)[0]?.split('/') ?? []
    return {
      cloneUrl: given,
      name: toName(parts),
      forge: forgeAt(host),
    }
  }
  const path = resolve(cwd, given)
  // An absolute path may be on the server's machine; a relative one is on this.
  if (given.startsWith('/')) return pathOrigin(path)
  const folder = await stat(path).catch(() => undefined)
  if (folder?.isDirectory()) return pathOrigin((await findCheckout(path)) ?? path)
  throw new NarwhalError(
    'invalid',
    `no folder at ${path}: use a path, or a URL like https://github.com/octocat/hello`,
  )
}

/** The root of the checkout that contains a folder, with symbolic links resolved. */
export async function findCheckout(folder: string): Promise<string | undefined> {
  for (let path = await realpath(folder).catch(() => folder); ; path = dirname(path)) {
    if (await stat(join(path, '.git')).catch(() => undefined)) return path
    if (path === dirname(path)) return undefined
  }
}

function pathOrigin(path: string): Origin {
  const isInside = basename(path) === '.git'
  return { cloneUrl: path, name: toName([basename(isInside ? dirname(path) : path)]), forge: 'git' }
}

/** Only the characters allowed in a name: letters, digits, `.`, `_`, `-`, and `/` between the parts. */
function toName(parts: readonly string[]): string {
  const clean = parts
    .filter((part) => part !== '' && part !== '~')
    .map((part) => part.replace(/[^A-Za-z0-9_.-]+/g, '-'))
  const name = clean.join('/').replace(/\.git$/, '')
  if (name) return name
  throw new NarwhalError('invalid', "can't derive a name from that: set one with --name owner/name")
}
