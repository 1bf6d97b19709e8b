import { mkdir } from 'node:fs/promises'
import { type GitEnv, git } from '../lib/git/git.ts'

const BRANCH = 'refs/heads/main'

/**
 * Commits a folder without git to `main` of a bare repository, and returns the commit. Files ignored by its
 * .gitignore are left out; an unchanged folder gets no new commit.
 */
export async function snapshotFolder(
  folder: string,
  bare: string,
  options: { env: GitEnv; signal: AbortSignal },
): Promise<string> {
  await mkdir(bare, { recursive: true })
  await git(['init', '--quiet', '--bare', '--initial-branch=main', bare], options)
  const inside = (args: string[]): Promise<string> =>
    git([`--git-dir=${bare}`, `--work-tree=${folder}`, ...args], { ...options, cwd: folder })
  await inside(['add', '--all', '--', '.'])
  const tree = (await inside(['write-tree'])).trim()
  const head = await inside(['rev-parse', '--verify', '--quiet', BRANCH]).then(
    (text) => text.trim(),
    () => undefined,
  )
  if (head && (await inside(['rev-parse', `${head}^{tree}`])).trim() === tree) return head
  const author = ['-c', 'user.name=Narwhal', '-c', 'user.email=narwhal@localhost']
  const parent = head ? ['-p', head] : []
  const message = `Snapshot of ${folder}`
  const sha = (await inside([...author, 'commit-tree', tree, ...parent, '-m', message])).trim()
  await inside(['update-ref', BRANCH, sha])
  return sha
}
