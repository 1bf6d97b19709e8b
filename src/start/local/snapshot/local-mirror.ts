import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { git } from '../../../lib/git/git.ts'
import type { OwnRepository, SnapshotOptions } from './own-repository.ts'
import { readText } from './read-text.ts'

/** Always the same, so that each run finds the mirror of the last. */
export const LOCAL_REPOSITORY = 'repo_local'

// Small files are read and written synchronously: while code is loaded, each turn of the event loop is long.

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
      if (readText(join(path, MADE)) === kind) return
      rmSync(path, { recursive: true, force: true })
      mkdirSync(path, { recursive: true })
      const init = ['init', '--quiet', '--bare', '--initial-branch=main']
      await git([...init, `--object-format=${format}`, path], options)
      if (shallow !== '') writeFileSync(join(path, 'shallow'), shallow)
      mkdirSync(join(path, 'refs', 'narwhal'), { recursive: true })
      writeFileSync(join(path, MADE), kind)
    }),
  )
  // Left behind by a run that was killed.
  removeLocks(bare)
  removeLoose(bare)
}

/** Nobody else uses the repository: a lock is that of a git that was killed. */
function removeLocks(repository: string): void {
  rmSync(join(repository, 'index.lock'), { force: true })
  rmSync(join(repository, 'refs', 'heads'), { recursive: true, force: true })
}

/** Borrows objects from other folders of objects, in place of those before. */
export function borrow(bare: string, objects: readonly string[]): void {
  const lines = objects.map((path) => `${path}\n`)
  writeFileSync(join(bare, 'objects', 'info', 'alternates'), lines.join(''))
}

export function readKnown(mirror: string): readonly string[] {
  const text = readText(join(mirror, KNOWN)) ?? ''
  return text.split('\n').filter((line) => line !== '')
}

/** Once all that the commits lead to is in the mirror. */
export function writeKnown(mirror: string, commits: readonly string[]): void {
  const known = new Set([...commits, ...readKnown(mirror)])
  writeFileSync(join(mirror, KNOWN), `${[...known].slice(0, MOST_KNOWN).join('\n')}\n`)
}

/** As a file; only for a repository that nobody else writes to. */
export function writeRef(repository: string, ref: string, sha: string): void {
  const path = join(repository, ref)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${sha}\n`)
}

const FANOUT = /^[0-9a-f]{2}$/

/** The names of a repository's loose objects. */
export function listLoose(repository: string): readonly string[] {
  return foldersOfLoose(repository).flatMap(([folder, path]) => {
    const files = readdirSync(path).filter((file) => /^[0-9a-f]+$/.test(file))
    return files.map((file) => folder + file)
  })
}

/** Those of the last run, which the mirror has, and what a git that was killed has left of a pack. */
function removeLoose(repository: string): void {
  rmSync(join(repository, 'objects', 'pack'), { recursive: true, force: true })
  for (const [, path] of foldersOfLoose(repository)) rmSync(path, { recursive: true, force: true })
}

function foldersOfLoose(repository: string): readonly (readonly [name: string, path: string])[] {
  const objects = join(repository, 'objects')
  const names = readdirSync(objects).filter((name) => FANOUT.test(name))
  return names.map((name) => [name, join(objects, name)])
}
