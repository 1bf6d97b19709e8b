import { chmod, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { removeFolder } from '../../../lib/remove-folder.ts'
import { withMark } from '../processes/process-search.ts'
import { killTree } from '../processes/process-tree.ts'
import { makeMaskFile } from './make-mask-file.ts'

/**
 * What a sandbox on the runner's own root file system needs in addition to the workspace: the files of its
 * steps, a home and a temporary folder, all empty at first and removed with the job.
 */
export interface Scratch extends AsyncDisposable {
  readonly path: string
  /** Identifies the sandbox's processes: the value of PROCESS_MARK in their environment. */
  readonly mark: string
  readonly steps: string
  readonly home: string
  readonly tmp: string
  readonly shm: string
  /** The runner's path of the sandbox's `maskFile`. */
  readonly maskFile: string
  writeScript(number: number, script: string): Promise<string>
}

const KINDS = ['sandbox', 'fifos'] as const
type FolderKind = (typeof KINDS)[number]

/**
 * Creates a scratch folder, inaccessible to other users of the machine; `instance` names the runner, so that
 * leftovers can be found. It is in `parent`, or in the machine's temporary folder.
 */
export async function openScratch(instance: string, parent = tmpdir()): Promise<Scratch> {
  const path = await openFolder(instance, parent)
  const scratch = {
    path,
    mark: basename(path),
    steps: join(path, 'steps'),
    home: join(path, 'home'),
    tmp: join(path, 'tmp'),
    shm: join(path, 'shm'),
    maskFile: join(path, 'mask'),
    writeScript: async (number: number, script: string) => {
      const file = join(scratch.steps, `step-${number}`)
      await writeFile(file, script, { mode: 0o644 })
      return file
    },
    [Symbol.asyncDispose]: () => removeFolder(path),
  }
  const folders = [scratch.steps, scratch.home, scratch.tmp, scratch.shm]
  await Promise.all(folders.map((folder) => mkdir(folder, { mode: 0o755 })))
  // Not with mkdir, which applies this process's umask to the mode.
  await Promise.all([scratch.tmp, scratch.shm].map((folder) => chmod(folder, 0o1777)))
  await Promise.all([scratch.steps, scratch.home].map((folder) => chmod(folder, 0o755)))
  await makeMaskFile(scratch.maskFile)
  return scratch
}

/** Creates a folder that only this process's user can access; files in it may be open to the steps. */
export async function openFolder(
  instance: string,
  parent = tmpdir(),
  kind: FolderKind = 'sandbox',
): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 })
  // With mode 0700, and so it stays.
  return await mkdtemp(join(parent, prefixOf(instance, kind)))
}

/**
 * Kills the processes and removes the scratch folders that a previous process of this instance left behind;
 * resolves to the number of folders.
 */
export async function reapScratch(instance: string, parent = tmpdir()): Promise<number> {
  // Earlier versions had all of them in the temporary folder.
  const left = await Promise.all(
    [...new Set([parent, tmpdir()])].map(async (folder) => {
      const names = await readdir(folder).catch(() => [])
      return names
        .filter((name) => KINDS.some((kind) => name.startsWith(prefixOf(instance, kind))))
        .map((name) => join(folder, name))
    }),
  )
  // A folder is removed after its processes are gone: without one there are none to look for.
  if (left.flat().length === 0) return 0
  await killTree(withMark((mark) => mark.startsWith(prefixOf(instance))))
  await Promise.all(left.flat().map((path) => removeFolder(path)))
  return left.flat().filter((path) => basename(path).startsWith(prefixOf(instance))).length
}

function prefixOf(instance: string, kind: FolderKind = 'sandbox'): string {
  return `narwhal-${kind}-${instance.replaceAll(/[^A-Za-z0-9_.]+/g, '_')}-`
}
