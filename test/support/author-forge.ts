import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HeldRequest {
  readonly number: number
  readonly authorId: number
  readonly sha: string
  readonly isMerged?: boolean
  /** The account that owns the head's repository; its author's by default. */
  readonly headOwnerId?: number
  readonly base?: string
}

export interface HeldForge {
  readonly kind: 'github' | 'gitea' | 'gitlab'
  readonly repositoryId: number
  readonly project: string
  readonly logins: Map<number, string>
  readonly requests: HeldRequest[]
  /** Gitea before 1.23 ignores `poster`, and lists all. */
  readonly ignoresPoster?: boolean
}

interface Reply {
  readonly status: number
  readonly json?: unknown
  readonly headers?: Record<string, string>
}

/** A forge that answers who made which pull request, as GitHub, Gitea and GitLab do. */
export interface AuthorForge extends AsyncDisposable {
  readonly url: string
  /** The requests in order: the path with its query. */
  readonly asked: string[]
  readonly tokens: (string | undefined)[]
  override: ((path: string) => Reply | 'hang' | undefined) | undefined
}

export async function authorForge(held: HeldForge): Promise<AuthorForge> {
  const asked: string[] = []
  const tokens: (string | undefined)[] = []
  const server = createServer((request, response) => {
    // Statuses are sent to the same API.
    if (request.method === 'POST') {
      response.writeHead(201).end('{}')
      return
    }
    const path = request.url ?? ''
    asked.push(path)
    tokens.push(tokenOf(request))
    const reply = forge.override?.(path) ?? answer(held, new URL(path, 'http://forge'))
    if (reply === 'hang') return
    response
      .writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
      .end(JSON.stringify(reply.json ?? { message: 'Not Found' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const forge: AuthorForge = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    tokens,
    override: undefined,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return forge
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  const own = headers['private-token']
  return headers.authorization?.replace(/^(?:Bearer|token) /, '') ?? String(own)
}

function answer(held: HeldForge, url: URL): Reply {
  const found = held.kind === 'gitlab' ? fromGitlab(held, url) : fromGithub(held, url)
  return found === undefined ? { status: 404 } : { status: 200, json: found }
}

function fromGithub(held: HeldForge, { pathname, searchParams }: URL): unknown {
  const { kind, logins, requests, project } = held
  const repository = `/repos/${project}`
  if (kind === 'github') {
    const [, account] = /^\/user\/(\d+)$/.exec(pathname) ?? []
    if (account) return userOf(held, Number(account))
    if (pathname === '/search/issues') {
      const q = searchParams.get('q') ?? ''
      const [, login = ''] = /author:(\S+)/.exec(q) ?? []
      const isAsked = q.includes(`repo:${project} is:pr is:merged`)
      const items = requests
        .filter((one) => isAsked && one.isMerged && logins.get(one.authorId) === login)
        .slice(0, Number(searchParams.get('per_page')))
        .map((one) => ({
          number: one.number,
          user: userOf(held, one.authorId),
          repository_url: `https://api.github.com/repos/${project}`,
          pull_request: { merged_at: '2026-01-01T00:00:00Z' },
        }))
      return { total_count: items.length, incomplete_results: false, items }
    }
  }
  if (pathname === '/users/search') {
    const user = userOf(held, Number(searchParams.get('uid')))
    return { ok: true, data: user ? [user] : [] }
  }
  if (pathname === `${repository}/pulls`) {
    const poster = searchParams.get('poster')
    const limit = Number(searchParams.get('limit'))
    const from = (Number(searchParams.get('page')) - 1) * limit
    return requests
      .filter(({ authorId }) => held.ignoresPoster || logins.get(authorId) === poster)
      .slice(from, from + limit)
      .map((one) => pullOf(held, one))
  }
  const [, number] = /\/pulls\/(\d+)$/.exec(pathname) ?? []
  const one = requests.find((request) => request.number === Number(number))
  return one && pathname.startsWith(repository) ? pullOf(held, one) : undefined
}

function userOf({ logins }: HeldForge, id: number): object | undefined {
  const login = logins.get(id)
  return login === undefined ? undefined : { id, login, type: 'User' }
}

function pullOf(held: HeldForge, one: HeldRequest): object {
  const { authorId, headOwnerId = authorId, isMerged = false } = one
  const repo = { id: held.repositoryId, full_name: held.project }
  return {
    number: one.number,
    state: isMerged ? 'closed' : 'open',
    merged: isMerged,
    title: 'Change',
    labels: [{ id: 1, name: 'e2e', color: 'ff0000' }],
    draft: true,
    milestone: null,
    body: '"quoted" \u{1f40b}',
    user: userOf(held, authorId),
    head: {
      ref: 'patch',
      sha: one.sha,
      repo: { id: 999, owner: userOf(held, headOwnerId) ?? { id: headOwnerId, login: 'x' } },
    },
    base: { ref: 'main', sha: one.base ?? 'b'.repeat(40), repo },
  }
}

function fromGitlab(held: HeldForge, { pathname, searchParams }: URL): unknown {
  const project = `/projects/${encodeURIComponent(held.project)}`
  if (pathname === `${project}/merge_requests`) {
    const author = Number(searchParams.get('author_id'))
    return held.requests
      .filter((one) => one.isMerged && one.authorId === author)
      .slice(0, Number(searchParams.get('per_page')))
      .map((one) => mergeRequestOf(held, one))
  }
  const [, number] = /\/merge_requests\/(\d+)$/.exec(pathname) ?? []
  const one = held.requests.find((request) => request.number === Number(number))
  if (one && pathname.startsWith(project)) return mergeRequestOf(held, one)
  const [, source] = /^\/projects\/(\d+)$/.exec(pathname) ?? []
  // The number of a fork is its owner's plus a thousand.
  const owner = Number(source) - 1_000
  return source && held.logins.has(owner)
    ? { id: Number(source), namespace: { kind: 'user' }, owner: { id: owner } }
    : undefined
}

function mergeRequestOf({ logins, repositoryId }: HeldForge, one: HeldRequest): object {
  const { authorId, headOwnerId = authorId, base = 'b'.repeat(40) } = one
  return {
    iid: one.number,
    state: one.isMerged ? 'merged' : 'opened',
    author: { id: authorId, username: logins.get(authorId) },
    sha: one.sha,
    source_project_id: 1_000 + headOwnerId,
    target_project_id: repositoryId,
    project_id: repositoryId,
    target_branch: 'main',
    labels: ['e2e'],
    draft: true,
    milestone: null,
    diff_refs: { base_sha: base, head_sha: one.sha, start_sha: base },
  }
}
