/** What a runner answers if a repository doesn't have a commit, which may not be visible there yet. */
export function missingCommit(sha: string, repositoryName: string): string {
  return `commit ${sha} is not in ${repositoryName} (or no longer reachable from a ref)`
}

/** Whether an answer says so of this commit. */
export function saysMissing(message: string, sha: string): boolean {
  return message.startsWith(`commit ${sha} is not in `)
}
