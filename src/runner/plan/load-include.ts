import { type CommitSource, cloneUrlOf } from '../../contract/rpc/attempt.ts'
import type { IncludeSource } from '../../contract/rpc/include-source.ts'
import { isRef, isSha } from '../../core/commit-event.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { listRemote } from '../../lib/git/list-remote.ts'
import { type IncludedFile, type IncludeRef, nameOf } from '../../pipeline-file/read/include-ref.ts'
import type { MirrorCache } from '../mirror/mirror-cache.ts'
import { readCommit } from '../mirror/read-commit.ts'
import { readTextFile } from '../mirror/read-text-file.ts'

export interface LoadDeps {
  /** The commit of includes without a repository; absent: there is none. */
  readonly commit?: CommitSource
  readonly mirrors: MirrorCache
  readonly env: GitEnv
  /** The repositories that the operator allows. */
  readonly sources: readonly IncludeSource[]
}

/**
 * Loads files that a commit's `narwhal.yml` includes: from the commit itself, or from other
 * repositories through their mirrors, resolving each ref once. Errors are results.
 */
export class IncludeLoader {
  readonly #deps: LoadDeps
  readonly #signal: AbortSignal
  readonly #resolved: Map<string, Promise<CommitSource>>

  constructor(
    deps: LoadDeps,
    signal: AbortSignal,
    resolved = new Map<string, Promise<CommitSource>>(),
  ) {
    this.#deps = deps
    this.#signal = signal
    this.#resolved = resolved
  }

  /** For another commit of the repository; refs of other repositories keep the commits they resolved to. */
  at(commit: CommitSource): IncludeLoader {
    return new IncludeLoader({ ...this.#deps, commit }, this.#signal, this.#resolved)
  }

  /** Rejects only with the signal's reason. */
  async load(ref: IncludeRef): Promise<IncludedFile> {
    try {
      const commit = ref.from ? await this.#find(ref.from) : this.#deps.commit
      if (!commit) return { trouble: 'there is no commit to load it from' }
      const { mirrors } = this.#deps
      const { sha } = await mirrors.fetchCommit(commit, this.#signal)
      const text = await mirrors.read(commit, this.#signal, async (_path, objects) => {
        const { tree } = await readCommit(objects, sha)
        return await readTextFile(objects, tree, ref.path)
      })
      if (typeof text === 'string') return { text, sha }
      return { trouble: text?.message ?? `there is no such file at commit ${sha}` }
    } catch (error) {
      this.#signal.throwIfAborted()
      return { trouble: describeError(error) }
    }
  }

  /** The commit that a ref of another repository currently points to. */
  #find(from: NonNullable<IncludeRef['from']>): Promise<CommitSource> {
    const key = nameOf({ from, path: '' })
    const known = this.#resolved.get(key) ?? this.#resolve(from)
    this.#resolved.set(key, known)
    return known
  }

  async #resolve({ repository, ref }: NonNullable<IncludeRef['from']>): Promise<CommitSource> {
    const { sources, env } = this.#deps
    const source = sources.find(({ name }) => name.toLowerCase() === repository.toLowerCase())
    if (!source) {
      const by = this.#deps.commit?.isStranger
        ? 'by a stranger (stranger-includes)'
        : '(include-repositories)'
      const message = `the operator allows no includes from ${repository} ${by}`
      throw new NarwhalError('forbidden', message)
    }
    const { name: repositoryName, ...at } = source
    const known = { ...at, repositoryName }
    if (isSha(ref)) return { ...known, ref: 'refs/heads/HEAD', sha: ref }
    const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]
    const wanted = names.filter(isRef)
    const refs = await listRemote(cloneUrlOf(source), wanted, { env, signal: this.#signal })
    for (const name of wanted) {
      const sha = refs.get(name)
      if (sha && isSha(sha)) return { ...known, ref: name, sha }
    }
    throw new NarwhalError('not_found', `${source.name} has no branch or tag ${ref}`)
  }
}
