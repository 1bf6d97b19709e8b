import { githubStatus } from '../github/status.ts'
import type { StatusRequest } from '../status-request.ts'

/** Gitea's and Forgejo's API, per /api/swagger of an instance: GitHub's with another kind of token. */
export const giteaStatus: StatusRequest = (target, token, status) => ({
  ...githubStatus(target, token, status),
  headers: { authorization: `token ${token}` },
})
