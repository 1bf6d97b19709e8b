/** Rows of what is known of accounts at forges; as in tables.ts. */

/** Somebody of whom a pull request of the repository was merged, by the forge's number. */
export interface MergedAuthorRow {
  repository_id: string
  actor_id: number
  merged_at: number
}

/** An account that was seen to push to the repository, or that it lists. */
export interface ForgeAccountRow {
  repository_id: string
  account_id: number
  name: string
  listed_name: string
  is_bot: number
  seen_at: number
}
