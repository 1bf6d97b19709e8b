import type { RepositoryView } from '../../../../src/contract/rest/views.ts'
import { Ago } from '../../parts/times.tsx'

/** That the forge does not take a repository's token any more, and what to do; nothing while it does. */
export function ForgeRefusal({ repository }: { readonly repository: RepositoryView }) {
  const { name, forgeRefusal } = repository
  if (!forgeRefusal) return null
  return (
    <div className="notice is-error" role="alert">
      <p>
        The forge refuses the token of this repository (<Ago at={forgeRefusal.since} />
        ): {forgeRefusal.words}. Until it has another, no statuses are told, and newcomers&rsquo;
        commits wait. Any administrator gives one:
      </p>
      <pre>{`narwhal repo link ${name} --token-file <file>`}</pre>
    </div>
  )
}
