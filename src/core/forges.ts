import type { RepositoryId } from './ids.ts'

/** Where repositories live. `gitea` is Forgejo too; `git` is any place that only git can ask. */
export const FORGES = ['github', 'gitea', 'gitlab', 'git'] as const
export type Forge = (typeof FORGES)[number]

/** Those that tell of commits by webhooks. */
export type WebhookForge = Exclude<Forge, 'git'>

export function hasWebhooks(forge: Forge): forge is WebhookForge {
  return forge !== 'git'
}

/** Where a repository's webhooks are sent to, below the agent's address. */
export function webhookPath({ forge, id }: { forge: Forge; id: RepositoryId }): string {
  return `/webhooks/${forge}/${id}`
}

/** The refs at which a forge keeps the heads of pull or merge requests, as `git ls-remote` takes them. */
export function requestRefs(forge: Forge): string[] {
  if (forge === 'git') return []
  return [forge === 'gitlab' ? 'refs/merge-requests/*/head' : 'refs/pull/*/head']
}
