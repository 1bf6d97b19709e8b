import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { ObjectReader } from './object-reader.ts'

const LARGEST_COMMIT = 4 * 1024 * 1024
const LARGEST_TREE = 16 * 1024 * 1024

/** A commit's own text; all of it is untrusted. */
export interface CommitText {
  readonly tree: string
  readonly parents: readonly string[]
  readonly author: string
  /** The first paragraph of the message, on one line. */
  readonly title: string
}

/** Reads a commit; rejects as `ObjectReader.read` does. See git-commit-tree(1) for the encoding. */
export async function readCommit(objects: ObjectReader, id: string): Promise<CommitText> {
  const raw = await objects.read(id, 'commit', LARGEST_COMMIT)
  const split = raw.indexOf('\n\n')
  const head = (split === -1 ? raw : raw.subarray(0, split)).toString('latin1')
  const tree = /^tree ([0-9a-f]{40,64})$/m.exec(head)?.[1]
  if (!tree) throw new NarwhalError('invalid', `commit ${id} names no tree`)
  const decoder = decoderOf(/^encoding (.+)$/m.exec(head)?.[1])
  const text = (bytes: Uint8Array): string => decoder.decode(bytes)
  const author = /^author (.*?) ?<[^\n]*$/m.exec(head)?.[1] ?? ''
  const message = split === -1 ? '' : text(raw.subarray(split + 2))
  const [title = ''] = message.replace(/^\s*\n/, '').split(/\n[ \t]*\n/)
  const oneLine = title.split('\n').map((line) => line.trim())
  return {
    tree,
    parents: [...head.matchAll(/^parent ([0-9a-f]{40,64})$/gm)].flatMap(([, id]) => id ?? []),
    author: text(Buffer.from(author, 'latin1')),
    title: oneLine.join(' ').trim(),
  }
}

/** Tags of tags are rarely nested deeper. */
const DEEPEST_TAG = 10

/** The object that a tag finally leads to; any other object is returned as is. Rejects as `ObjectReader.read`. */
export async function peel(objects: ObjectReader, id: string): Promise<string> {
  let found = id
  for (let depth = 0; depth < DEEPEST_TAG; depth++) {
    const info = await objects.info(found)
    if (info?.type !== 'tag') return found
    const raw = await objects.read(found, 'tag', LARGEST_COMMIT)
    found = /^object ([0-9a-f]{40,64})$/m.exec(raw.toString('latin1'))?.[1] ?? found
  }
  return found
}

/** Whether a commit comes from a tag that these tags lack, or have at another commit. Rejects as `peel`. */
export async function lacksOwnTag(
  { ref, sha }: CommitSource,
  tags: ReadonlyMap<string, string>,
  objects: ObjectReader,
): Promise<boolean> {
  if (!isTag(ref)) return false
  const id = tags.get(ref)
  return id === undefined || (await peel(objects, id)) !== sha
}

export function isTag(ref: string): boolean {
  return ref.startsWith('refs/tags/')
}

/** For an unknown encoding, UTF-8, which nearly all commits use. */
function decoderOf(encoding = 'utf-8'): { decode: (bytes: Uint8Array) => string } {
  try {
    return new TextDecoder(encoding)
  } catch {
    return new TextDecoder()
  }
}

/** An entry of a tree: its mode as git writes it (`100644`, `40000`), its name, and its object. */
export interface TreeEntry {
  readonly mode: string
  readonly name: string
  readonly id: string
}

/** The entry by this name in a tree; undefined if there is none. Rejects as `ObjectReader.read`. */
export async function findEntry(
  objects: ObjectReader,
  tree: string,
  name: string,
): Promise<TreeEntry | undefined> {
  for (const entry of await readTree(objects, tree)) if (entry.name === name) return entry
  return undefined
}

/** The entries of a tree, parsed lazily. Rejects as `ObjectReader.read`. */
export async function readTree(objects: ObjectReader, tree: string): Promise<Iterable<TreeEntry>> {
  return entriesOf(await objects.read(tree, 'tree', LARGEST_TREE), tree.length / 2)
}

function* entriesOf(raw: Buffer, idBytes: number): Generator<TreeEntry> {
  for (let at = 0; at < raw.length; ) {
    const space = raw.indexOf(0x20, at)
    const zero = raw.indexOf(0, space)
    if (space === -1 || zero === -1) return
    const end = zero + 1 + idBytes
    yield {
      mode: raw.toString('latin1', at, space),
      name: raw.toString('utf8', space + 1, zero),
      id: raw.toString('hex', zero + 1, end),
    }
    at = end
  }
}
