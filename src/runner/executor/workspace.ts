/**
 * Where a job's files are before it has a sandbox. So far only a folder of the runner: filled by the checkout
 * and mounted as it is. An engine that can't see the runner's folders will bring a kind of its own.
 */
export type Workspace = { readonly kind: 'folder'; readonly path: string }

export function folderWorkspace(path: string): Workspace {
  return { kind: 'folder', path }
}
