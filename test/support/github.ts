import { createHmac, randomUUID } from 'node:crypto'
import { present } from '../../src/lib/present.ts'
import type { Files, GitRepository } from './git-repository.ts'

export interface ForgeRepository {
  readonly id: number
  readonly fullName: string
}

export interface Delivery {
  readonly event: string
  readonly payload: object
  readonly secret: string
  /** The repository in the path; absent: the path without one. */
  readonly repositoryId?: string
  /** The delivery's id; a new one by default. */
  readonly id?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface WebhookReply {
  readonly status: number
  readonly body: { status?: string; eventId?: string; reason?: string; message?: string }
}

/** Sends a webhook as GitHub does: signed over the very bytes of the body. */
export async function deliver(agentUrl: string, delivery: Delivery): Promise<WebhookReply> {
  const body = JSON.stringify(delivery.payload)
  const signature = createHmac('sha256', delivery.secret).update(body).digest('hex')
  const { repositoryId } = delivery
  const path = repositoryId === undefined ? '/webhooks/github' : `/webhooks/github/${repositoryId}`
  const response = await fetch(`${agentUrl}${path}`, {
    method: 'POST',
    body,
    ...present({ signal: delivery.signal }),
    headers: {
      ...delivery.headers,
      'content-type': 'application/json',
      'x-github-event': delivery.event,
      'x-github-delivery': delivery.id ?? randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
    },
  })
  return { status: response.status, body: (await response.json()) as WebhookReply['body'] }
}

/** The payload of a push, as far as it is read. */
export function pushPayload(
  repository: ForgeRepository,
  push: {
    ref?: string
    sha: string
    before?: string
    title?: string
    author?: string
    /** In epoch seconds, as the forge tells it. */
    pushedAt?: number
  },
): object {
  const { ref = 'refs/heads/main', sha, title = 'Change', author = 'Ada', pushedAt } = push
  return {
    ref,
    before: push.before ?? 'b'.repeat(40),
    after: sha,
    created: false,
    deleted: false,
    forced: false,
    repository: { ...payloadRepository(repository), ...present({ pushed_at: pushedAt }) },
    pusher: { name: author, email: null },
    sender: { id: 7, login: author.toLowerCase(), type: 'User' },
    head_commit: {
      id: sha,
      message: title,
      timestamp: '2026-01-01T00:00:00Z',
      author: { name: author, email: 'ada@example.com' },
    },
    commits: [],
  }
}

function payloadRepository({ id, fullName }: ForgeRepository): object {
  const [owner = ''] = fullName.split('/')
  return {
    id,
    full_name: fullName,
    name: fullName.split('/')[1],
    private: false,
    owner: { id: 1, login: owner },
    default_branch: 'main',
  }
}

/** A pull request: its head, the head's repository, and its target. */
interface Pull {
  readonly number: number
  readonly sha: string
  readonly headRepositoryId: number
  /** The base commit; one that does not exist by default. */
  readonly base?: string
  /** The target branch; `main` by default. */
  readonly target?: string
  readonly authorId?: number
}

/** The payload of an opened pull request, from the repository with this id. */
export function pullRequestPayload(repository: ForgeRepository, pull: Pull) {
  const { number, sha, headRepositoryId, base = 'b'.repeat(40), authorId = 8 } = pull
  const { target = 'main' } = pull
  return {
    action: 'opened',
    number,
    repository: payloadRepository(repository),
    sender: { id: authorId, login: 'mallory', type: 'User' },
    pull_request: {
      number,
      title: 'Change',
      user: { id: authorId, login: 'mallory' },
      head: { ref: 'topic', sha, repo: { id: headRepositoryId } },
      base: { ref: target, sha: base, repo: { id: repository.id } },
    },
  }
}

/** Creates a pull request's commit on its ref only; the target branch is at `base`. */
export async function pullCommit(
  source: GitRepository,
  number: number,
  files: Files,
): Promise<Pick<Pull, 'number' | 'sha'> & { readonly base: string }> {
  const base = await source.head()
  const sha = await source.commitAside(files)
  await source.git('update-ref', `refs/pull/${number}/head`, sha)
  return { number, sha, base }
}
