import { NarwhalError } from '../../lib/errors.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import type { ObjectReader } from '../mirror/object-reader.ts'
import { findEntry, readCommit } from '../mirror/read-commit.ts'
import { type CommitObjects, readConfigBlob } from './read-config-blob.ts'

/** A submodule as the commit declares it; `name` and `url` are untrusted. */
export interface Submodule {
  readonly name: string
  /** Its path in the workspace: components of a real folder's path, none of them special. */
  readonly path: readonly string[]
  /** As written; may be relative. */
  readonly url: string
  readonly sha: string
}

const FILE = '.gitmodules'
const GITLINK = '160000'
const FOLDER = '40000'
const LONGEST_NAME = 1_000

/**
 * The submodules of a commit, by its `.gitmodules`, which is read as an object. Skips those whose path
 * is not a submodule in the tree, and those with `update = none`. Rejects with `invalid` for an invalid
 * file or submodule, or too many of them.
 */
export async function readSubmodules(
  commit: CommitObjects,
  options: { readonly most: number; readonly env: GitEnv; readonly signal: AbortSignal },
): Promise<Submodule[]> {
  const named = readSections(await readConfigBlob(FILE, commit, options))
  if (named.size === 0) return []
  const { most } = options
  if (named.size > most) throw refuse(`it names more than ${most} submodules`)
  const { objects } = commit
  const { tree } = await readCommit(objects, commit.sha)
  const found: Submodule[] = []
  for (const [name, { path, url, update }] of named) {
    if (path === undefined || update === 'none') continue
    const parts = path.split('/')
    const link = await findPath(objects, tree, parts)
    if (link?.mode !== GITLINK) continue
    if (!isName(name)) {
      throw refuse(`${JSON.stringify(name.slice(0, 200))} isn't a valid submodule name`)
    }
    if (url === undefined) throw refuse(`${name} has no url`)
    found.push({ name, path: parts, url, sha: link.id })
  }
  return found
}

/** As in git (`check_submodule_name`), without control characters, which git's configuration can't hold. */
function isName(name: string): boolean {
  const isPossible = name !== '' && name.length <= LONGEST_NAME && !/\p{Cc}/u.test(name)
  return isPossible && !name.split(/[/\\]/).includes('..')
}

interface Section {
  path?: string
  url?: string
  update?: string
}

/** The last value of a key wins, as in git. */
function readSections(pairs: readonly [string, string][]): Map<string, Section> {
  const sections = new Map<string, Section>()
  for (const [key, value] of pairs) {
    const [, name, what] = /^submodule\.(.*)\.(path|url|update)$/s.exec(key) ?? []
    if (name === undefined) continue
    const section = sections.get(name) ?? {}
    section[what as keyof Section] = value
    sections.set(name, section)
  }
  return sections
}

/** The tree's entry at this path; symbolic links are not followed. */
async function findPath(objects: ObjectReader, tree: string, parts: readonly string[]) {
  let entry: { mode: string; id: string } | undefined = { mode: FOLDER, id: tree }
  for (const part of parts) {
    const isSpecial = part === '' || part === '.' || part === '..' || /^\.git$/i.test(part)
    if (isSpecial || entry?.mode !== FOLDER) return undefined
    entry = await findEntry(objects, entry.id, part)
  }
  return entry
}

function refuse(why: string): NarwhalError {
  return new NarwhalError('invalid', `${FILE}: ${why}`)
}
