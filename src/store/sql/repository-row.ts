/** A row of `repositories`; as in tables.ts. */
export interface RepositoryRow {
  id: string
  name: string
  /** nameKey(name) */
  name_key: string
  forge: string
  forge_id: number | null
  forge_owner_id: number | null
  /** nameKey(forgePathOf(repository)) */
  path_key: string
  /** Its path at the forge, if it was renamed there. */
  moved_to: string | null
  clone_url: string
  /** Sealed JSON of GitCredentials. */
  git_credentials: string | null
  deploy_key: string | null
  webhook_secret: string
  /** The previous secret, sealed, which is valid until `former_ends_at`. */
  former_secret: string | null
  former_ends_at: number | null
  poll_interval_ms: number
  /** The number of its newest pipeline. */
  last_number: number
  created_at: number
  removed_at: number | null
  /** Who waits for approval; null: the default. */
  approval: string | null
  /** JSON of number[] */
  stranger_accounts: string | null
  /** `wait` or `run`; null: the default. */
  pipeline_files: string | null
  /** 1: skipped pipelines are not reported as success. */
  skipped_is_open: number
  /** `forever`, or milliseconds; null: the global rule. */
  keep_logs: string | null
  keep_pipelines: string | null
}
