import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'

const WHO = 'Narwhal <narwhal@localhost>'

export interface CommitParts {
  readonly tree: string
  readonly parent: string | undefined
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * Writes a commit as a loose object, as git-commit-tree(1) would: that would cost a process. See
 * gitformat-commit and gitrepository-layout(5).
 */
export function writeCommit(repository: string, { tree, parent, now }: CommitParts): string {
  const stamp = `${WHO} ${Math.floor(now / 1000)} +0000`
  const lines = [
    `tree ${tree}`,
    ...(parent ? [`parent ${parent}`] : []),
    `author ${stamp}`,
    `committer ${stamp}`,
  ]
  const text = `${lines.join('\n')}\n\nWorking tree\n`
  const object = Buffer.from(`commit ${Buffer.byteLength(text)}\0${text}`)
  const sha = createHash(tree.length === 64 ? 'sha256' : 'sha1')
    .update(object)
    .digest('hex')
  const path = join(repository, 'objects', sha.slice(0, 2), sha.slice(2))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.new`, deflateSync(object), { mode: 0o444 })
  renameSync(`${path}.new`, path)
  return sha
}
