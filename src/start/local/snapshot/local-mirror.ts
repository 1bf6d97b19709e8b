import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { git } from '../../../lib/git/git.ts'
import { removeStaleLocks } from '../../../runner/mirror/stale-locks.ts'
import type { OwnRepository, SnapshotOptions } from './own-repository.ts'

/** Always the same, so that each run finds the mirror of the last. */
export const LOCAL_REPOSITORY = 'repo_local'

/**
 * Two bare repositories in the folder of a run, in use by one process at a time. `mirror` is the runner's:
 * complete, and without alternates, since workspaces are copied from it. `bare` has the index; objects are
 * written to it first, and borrowed from the mirror and, where that is said, from the user's repository.
 */
export interface SnapshotPlaces {
  readonly bare: string
  readonly mirror: string
}

export function placesIn(folder: string): SnapshotPlaces {
  const mirror = join(folder, 'mirrors', `${LOCAL_REPOSITORY}.git`)
  return { bare: join(folder, 'snapshot.git'), mirror }
}

/** What a repository of ours was made for; a line in it, written last when it is created. */
const MADE = 'narwhal-format'
/** The commits that the mirror is known to have with all that they lead to, newest first. */
const KNOWN = 'narwhal-known'
const MOST_KNOWN = 32

/** Creates both where they are missing, or were made for a repository of another kind. */
export async function preparePlaces(
  { bare, mirror }: SnapshotPlaces,
  own: OwnRepository | undefined,
  options: SnapshotOptions,
): Promise<void> {
  const { format = 'sha1', shallow = '' } = own ?? {}
  // Where a shallow clone was deepened, the mirror lacks what is between.
  const kind = `${format} ${createHash('sha256').update(shallow).digest('hex').slice(0, 16)}`
  await Promise.all(
    [bare, mirror].map(async (path) => {
      if ((await readFile(join(path, MADE), 'utf8').catch(() => '')) === kind) return
      await rm(path, { recursive: true, force: true })
      await mkdir(path, { recursive: true })
      const init = ['init', '--quiet', '--bare', '--initial-branch=main']
      await git([...init, `--object-format=${format}`, path], options)
      if (shallow !== '') await writeFile(join(path, 'shallow'), shallow)
      await mkdir(join(path, 'refs', 'narwhal'), { recursive: true })
      await writeFile(join(path, MADE), kind)
    }),
  )
  // Left behind by a run that was killed.
  await removeStaleLocks(bare)
  await removeLoose(bare)
}

/** Borrows objects from other folders of objects, in place of those before. */
export async function borrow(bare: string, objects: readonly string[]): Promise<void> {
  const lines = objects.map((path) => `${path}\n`)
  await writeFile(join(bare, 'objects', 'info', 'alternates'), lines.join(''))
}

export async function readKnown(mirror: string): Promise<readonly string[]> {
  const text = await readFile(join(mirror, KNOWN), 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '')
}

/** Once all that the commits lead to is in the mirror. */
export async function writeKnown(mirror: string, commits: readonly string[]): Promise<void> {
  const known = new Set([...commits, ...(await readKnown(mirror))])
  await writeFile(join(mirror, KNOWN), `${[...known].slice(0, MOST_KNOWN).join('\n')}\n`)
}

/** As a file; only for a repository that nobody else writes to. */
export async function writeRef(repository: string, ref: string, sha: string): Promise<void> {
  const path = join(repository, ref)
  // `a` in place of `a/b`, or the other way round: a bare repository of ours has one ref at a time.
  await rm(join(repository, 'refs', 'heads'), { recursive: true, force: true })
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${sha}\n`)
}

const FANOUT = /^[0-9a-f]{2}$/

/** The names of a repository's loose objects. */
export async function listLoose(repository: string): Promise<readonly string[]> {
  const objects = join(repository, 'objects')
  const folders = (await readdir(objects)).filter((name) => FANOUT.test(name))
  const names = await Promise.all(
    folders.map(async (folder) => {
      const files = await readdir(join(objects, folder))
      return files.filter((file) => /^[0-9a-f]+$/.test(file)).map((file) => folder + file)
    }),
  )
  return names.flat()
}

/** Those of the last run: the mirror has them. */
async function removeLoose(repository: string): Promise<void> {
  const objects = join(repository, 'objects')
  const folders = (await readdir(objects)).filter((name) => FANOUT.test(name))
  await Promise.all(
    folders.map((folder) => rm(join(objects, folder), { recursive: true, force: true })),
  )
}
