/** Rows of accounts at forges; as in tables.ts. */

/** An account with a merged pull request in the repository, by its id at the forge. */
export interface MergedAuthorRow {
  repository_id: string
  actor_id: number
  merged_at: number
}

/** An account that has pushed to the repository, or that it lists. */
export interface ForgeAccountRow {
  repository_id: string
  account_id: number
  name: string
  listed_name: string
  is_bot: number
  seen_at: number
}
