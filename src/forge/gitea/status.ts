import { githubStatus } from '../github/status.ts'
import type { StatusRequest } from '../status-request.ts'

/** Gitea's and Forgejo's API, as their /api/swagger says: GitHub's under another token. */
export const giteaStatus: StatusRequest = (target, token, status) => ({
  ...githubStatus(target, token, status),
  headers: { authorization: `token ${token}` },
})
