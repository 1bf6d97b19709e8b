/**
 * Where a job's files are before its sandbox has them. A folder of the runner, so far: it is filled by the
 * checkout and mounted as it is. An engine that sees no folder of the runner comes with a kind of its own.
 */
export type Workspace = { readonly kind: 'folder'; readonly path: string }

export function folderWorkspace(path: string): Workspace {
  return { kind: 'folder', path }
}
