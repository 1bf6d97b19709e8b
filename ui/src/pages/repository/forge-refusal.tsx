import type { RepositoryView } from '../../../../src/contract/rest/rest-repositories.ts'
import { Ago } from '../../parts/times.tsx'

/** Shows that the forge rejects a repository's token, and how to replace it. */
export function ForgeRefusal({ repository }: { readonly repository: RepositoryView }) {
  const { name, forgeRefusal } = repository
  if (!forgeRefusal) return null
  return (
    <div className="notice is-error" role="alert">
      <p>
        The forge rejects this repository’s token (first <Ago at={forgeRefusal.since} />
        ): {forgeRefusal.words}. Until it is replaced, no commit statuses are reported, and
        newcomers’ commits wait for approval. An administrator can replace it with:
      </p>
      <pre>{`narwhal repo link ${name} --token-file <file>`}</pre>
    </div>
  )
}
