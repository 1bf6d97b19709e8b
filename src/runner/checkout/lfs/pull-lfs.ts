import { constants } from 'node:fs'
import { chmod, copyFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommitSource } from '../../../contract/rpc/attempt.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { type GitEnv, git } from '../../../lib/git/git.ts'
import { ANY_HOSTS } from '../../../lib/reach/hosts.ts'
import type { MirrorCache } from '../../mirror/mirror-cache.ts'
import { FetchHosts } from '../fetch-hosts.ts'
import type { FetchPolicy } from '../fetch-policy.ts'
import { inTurns } from '../in-turns.ts'
import { readConfigBlob } from '../read-config-blob.ts'
import { downloadObject } from './download-object.ts'
import { findPointers, type PointerFile } from './find-pointers.ts'
import { askForObjects } from './lfs-batch.ts'
import { lfsEndpoint } from './lfs-endpoint.ts'
import type { LfsPointer } from './pointer.ts'

const MOST_POINTERS = 20_000
const OBJECTS_PER_REQUEST = 100
const AT_ONCE = 4
const PATHS_AT_ONCE = 500

export interface LfsOptions {
  readonly mirrors: MirrorCache
  readonly policy: FetchPolicy
  readonly env: GitEnv
  readonly signal: AbortSignal
  /** The limit of all files together. */
  readonly maxBytes: number
}

/**
 * Replaces the Git LFS pointers in a folder that was just checked out by their files, which are
 * downloaded once and cached in the mirror. Rejects with `too_large`, `invalid` and `unavailable`.
 */
export async function pullLfs(
  { commit, folder }: { readonly commit: CommitSource; readonly folder: string },
  options: LfsOptions,
): Promise<void> {
  const { mirrors, env, signal, maxBytes } = options
  const files = await findPointers(folder, { env, signal, most: MOST_POINTERS })
  if (files.length === 0) return
  const total = files.reduce((sum, { size }) => sum + size, 0)
  if (total > maxBytes) {
    const why = `Git LFS files with ${total} bytes exceed the limit of ${maxBytes}`
    throw new NarwhalError('too_large', `clone_failed: limit: ${why}`)
  }
  await mirrors.read(commit, signal, async (mirror, objects) => {
    const cache = join(mirror, 'lfs', 'objects')
    const missing = await missingObjects(cache, files)
    if (missing.length > 0) {
      const at = { mirror, objects, sha: commit.sha }
      const config = await readConfigBlob('.lfsconfig', at, options)
      const configured = config.findLast(([key]) => key === 'lfs.url')?.[1]
      await downloadAll(missing, cache, { ...options, commit, configured })
    }
    await inTurns(files, AT_ONCE, (file) => putInPlace(file, folder, pathIn(cache, file.oid)))
  })
  // Without git-lfs, git would compare them with the pointers and show them as modified.
  for (let i = 0; i < files.length; i += PATHS_AT_ONCE) {
    const paths = files.slice(i, i + PATHS_AT_ONCE).map(({ path }) => path)
    await git(['update-index', '--assume-unchanged', '--', ...paths], { cwd: folder, env, signal })
  }
}

/** Each once, even if several files have the same content. */
async function missingObjects(cache: string, files: readonly LfsPointer[]): Promise<LfsPointer[]> {
  const byOid = new Map(files.map(({ oid, size }) => [oid, { oid, size }]))
  const missing: LfsPointer[] = []
  for (const pointer of byOid.values()) {
    const found = await stat(pathIn(cache, pointer.oid)).catch(() => undefined)
    if (found?.size !== pointer.size) missing.push(pointer)
  }
  return missing
}

async function downloadAll(
  missing: readonly LfsPointer[],
  cache: string,
  options: LfsOptions & { readonly commit: CommitSource; readonly configured: string | undefined },
): Promise<void> {
  const { commit, configured, policy, env, signal } = options
  if (commit.cloneUrl.startsWith('/') && configured === undefined) {
    throw new NarwhalError(
      'invalid',
      `${commit.repositoryName} is a local path, which has no Git LFS server: set lfs.url in .lfsconfig`,
    )
  }
  const how = { hosts: new FetchHosts(policy, env.hosts ?? ANY_HOSTS), signal }
  const endpoint = await lfsEndpoint(configured, commit, options)
  for (let i = 0; i < missing.length; i += OBJECTS_PER_REQUEST) {
    const some = missing.slice(i, i + OBJECTS_PER_REQUEST)
    const downloads = await askForObjects(endpoint, some, how)
    await inTurns(downloads, AT_ONCE, (one) => downloadObject(one, pathIn(cache, one.oid), how))
  }
}

/** A copy, as a reflink if the file system can: the job may write to its own. */
async function putInPlace(file: PointerFile, folder: string, from: string): Promise<void> {
  const path = join(folder, file.path)
  await rm(path)
  await copyFile(from, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
  await chmod(path, file.isExecutable ? 0o755 : 0o644)
}

function pathIn(cache: string, oid: string): string {
  return join(cache, oid.slice(0, 2), oid.slice(2, 4), oid)
}
