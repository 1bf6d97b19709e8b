import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { describeError, NarwhalError } from '../../../lib/errors.ts'
import { git } from '../../../lib/git/git.ts'
import { diskNote } from '../../../runner/mirror/disk-note.ts'
import {
  borrow,
  listLoose,
  placesIn,
  preparePlaces,
  readKnown,
  type SnapshotPlaces,
  writeKnown,
  writeRef,
} from './local-mirror.ts'
import { findOwnRepository, type OwnRepository, type SnapshotOptions } from './own-repository.ts'
import { openIndex, resetIndex, type WorkIndex, writeTree } from './work-index.ts'
import { writeCommit } from './write-commit.ts'

/** A commit of a folder's current contents, in the mirror of a run. */
export interface WorkSnapshot {
  /** Where the commit could be fetched, too. */
  readonly repository: string
  readonly ref: string
  readonly sha: string
}

/**
 * Commits the folder's current contents: with uncommitted changes and untracked files, without ignored
 * ones. The folder's own repository, if any, is only read, and never its remote. All that the commit leads to
 * is in the mirror of the run in `data` afterwards, as a pack; nobody else may use that folder. For a clean
 * working tree the commit is HEAD. Rejects with `conflict` if git can't read the folder or its repository.
 */
export async function snapshotWork(
  folder: string,
  data: string,
  options: SnapshotOptions,
): Promise<WorkSnapshot> {
  const places = placesIn(data)
  try {
    const own = await findOwnRepository(folder, options)
    return await new Snapshot({ folder, own, places, options }).write()
  } catch (error) {
    options.signal.throwIfAborted()
    throw await describeFailure(error, { folder, data })
  }
}

/** Without git there is no snapshot of any folder; every other failure is one of this folder. */
async function describeFailure(
  error: unknown,
  { folder, data }: { readonly folder: string; readonly data: string },
): Promise<NarwhalError> {
  if (error instanceof NarwhalError && error.cause === undefined) return error
  const note = await diskNote(error, data)
  const code = note.code === 'exhausted' ? 'exhausted' : 'conflict'
  const message = `${folder} can't be committed: ${describeError(error)}${note.words}`
  return new NarwhalError(code, message, { cause: error })
}

interface SnapshotParts {
  readonly folder: string
  readonly own: OwnRepository | undefined
  readonly places: SnapshotPlaces
  readonly options: SnapshotOptions
}

/** One snapshot being made. */
class Snapshot {
  readonly #parts: SnapshotParts
  readonly #index: WorkIndex

  constructor(parts: SnapshotParts) {
    this.#parts = parts
    this.#index = { folder: parts.folder, bare: parts.places.bare, own: parts.own }
  }

  async write(): Promise<WorkSnapshot> {
    const { own, places, options } = this.#parts
    const { bare, mirror } = places
    await preparePlaces(places, own, options)
    openIndex(this.#index)
    const known = readKnown(mirror)
    const found = await this.#writeTree(this.#isIn(known))
    const isClean = own?.head !== undefined && own.tree === found.tree
    const sha = isClean
      ? own.head
      : writeCommit(bare, { tree: found.tree, parent: own?.head, now: Date.now() })
    if (found.isNew) await this.#pack(listLoose(bare))
    else await this.#packReachable(sha, known)
    const ref = own?.branch ?? 'refs/heads/main'
    writeRef(mirror, refIn(ref), sha)
    writeKnown(mirror, own?.head === undefined ? [sha] : [sha, own.head])
    // If the mirror turns out to be broken, it is fetched from here.
    borrow(bare, [join(mirror, 'objects'), ...(own?.objects ?? [])])
    writeRef(bare, ref, sha)
    return { repository: bare, ref, sha }
  }

  /** Whether what is not new is in the mirror; of a partial clone some of it may have been missing. */
  #isIn(known: readonly string[]): boolean {
    const { own } = this.#parts
    if (own?.isPartial) return false
    return own?.head === undefined || known.includes(own.head)
  }

  /**
   * The tree of the folder. With `isNew` all of it that the mirror lacks is now in the bare repository as loose
   * objects: git verifies that. It can't be so if the mirror does not know HEAD, or an object is only
   * in the user's repository, such as a file that was staged; then that is borrowed from.
   */
  async #writeTree(knowsHead: boolean): Promise<{ tree: string; isNew: boolean }> {
    const { own, places, options } = this.#parts
    const { bare, mirror } = places
    const inMirror = join(mirror, 'objects')
    if (knowsHead) {
      borrow(bare, [inMirror])
      try {
        return { tree: await writeTree(this.#index, options), isNew: true }
      } catch (error) {
        options.signal.throwIfAborted()
        // An index that the last run left, of objects that are gone.
        if (!own) resetIndex(bare)
        else if (!isMissing(error)) throw error
      }
    }
    borrow(bare, [inMirror, ...(own?.objects ?? [])])
    return { tree: await writeTree(this.#index, options), isNew: own === undefined }
  }

  /** Brings these objects into the mirror. */
  async #pack(objects: readonly string[]): Promise<void> {
    if (objects.length > 0) await this.#packInto(`${objects.join('\n')}\n`, ['--window=0'])
  }

  /** Brings what the commit leads to into the mirror, without what the known ones lead to. */
  async #packReachable(sha: string, known: readonly string[]): Promise<void> {
    const { own } = this.#parts
    const revs = [sha, ...known.map((one) => `^${one}`)]
    // What is missing of a partial clone's history is missing in its jobs as well.
    const missing = own?.isPartial ? ['--missing=allow-any'] : []
    await this.#packInto(`${revs.join('\n')}\n`, ['--revs', '--delta-base-offset', ...missing])
    if (own?.isPartial) await this.#pack(await this.#listMissing(sha))
  }

  /** Of the commit's tree: a known commit may have been known without what has been fetched since. */
  async #listMissing(sha: string): Promise<readonly string[]> {
    const { places, options } = this.#parts
    const ask = ['rev-list', '--objects', '--missing=print', `${sha}^{tree}`]
    const listed = await git([`--git-dir=${places.mirror}`, ...ask], {
      ...options,
      maxBytes: 2 ** 28,
    })
    return listed.split('\n').flatMap((line) => (line.startsWith('?') ? [line.slice(1)] : []))
  }

  /** A pack is in a repository once its index is, which git writes last. */
  async #packInto(input: string, how: readonly string[]): Promise<void> {
    const { places, options } = this.#parts
    const target = join(places.mirror, 'objects', 'pack', 'pack')
    const command = ['-c', 'core.fsync=none', `--git-dir=${places.bare}`, 'pack-objects', '--quiet']
    const timeoutMs = LONGEST_PACK_MS
    await git([...command, ...how, target], { ...options, input, timeoutMs })
  }
}

/** A whole history may have to be copied. */
const LONGEST_PACK_MS = 1_800_000

/** git's messages about objects that it can't find. */
function isMissing(error: unknown): boolean {
  return /invalid object|bad object|unable to read|missing (?:blob|tree|commit)|could not read/i.test(
    describeError(error),
  )
}

/** The name is a digest, so that `a` and `a/b` never conflict. */
function refIn(ref: string): string {
  return `refs/narwhal/${createHash('sha256').update(ref).digest('hex').slice(0, 32)}`
}
