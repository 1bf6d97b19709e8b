import type { RepositoryId } from './ids.ts'

/** The facts about a kind of forge that the command line, the page and the services share. */
export interface ForgeFacts {
  readonly title: string
  /** Well-known hosts of this kind. */
  readonly hosts: readonly string[]
  /** The API of those hosts, if it is on another host. */
  readonly apiUrl?: string
  /** The API's path on a self-hosted instance; absent: there is only `apiUrl`. */
  readonly apiPath?: string
  /** Heads of pull or merge requests are at `refs/{folder}/{number}/head`. Absent: it has no such refs. */
  readonly requests?: { readonly folder: string; readonly sign: '#' | '!' }
  /** A repository's path has more than an owner and a name: groups nest. */
  readonly hasNestedGroups?: true
  /** The user to whose name git gives a token as password; `token`: the token is the name. */
  readonly tokenUser?: string
  /** Absent: its webhooks are not supported. */
  readonly webhook?: WebhookFacts
  /** How a server of one's own is recognized; absent: it isn't asked. */
  readonly sign?: ForgeSign
  /** What its administrator has to allow before it sends webhooks to a private address. */
  readonly allowPrivate?: string
  /** It answers 404, and not 403, to a token that lacks a right. */
  readonly hidesRights?: true
  /** What its API doesn't have. */
  readonly lacks?: readonly ('statuses' | 'pull requests')[]
}

/** What a server answers to a GET without credentials that no other kind does. */
export interface ForgeSign {
  /** Below its API, which is below its pages. */
  readonly path: string
  /** Part of the answer: its body, or the name of a cookie that it sets, also if it refuses. */
  readonly body?: RegExp
  readonly cookie?: string
  /** A header that it sends, also if it refuses. */
  readonly header?: string
}

/** Where to create a webhook at a forge, and what its fields are called there. */
export interface WebhookFacts {
  /** The page's URL, with `{name}` for the repository. */
  readonly settingsUrl?: string
  /** The navigation path, for people. */
  readonly settings: string
  readonly url: string
  readonly secret: string
  /** The option to choose, if there is one. */
  readonly contentType?: string
  readonly events: { readonly field: string; readonly chosen: string }
  /** It sends the secret itself instead of a signature, so the connection must be encrypted. */
  readonly sendsSecret?: true
}

/** All kinds of forges, by the name used in commands, the API and the store. */
export const FORGE_FACTS = {
  github: {
    title: 'GitHub',
    hosts: ['github.com'],
    apiUrl: 'https://api.github.com',
    apiPath: '/api/v3',
    hidesRights: true,
    requests: { folder: 'pull', sign: '#' },
    webhook: {
      settingsUrl: 'https://github.com/{name}/settings/hooks/new',
      settings: 'in the repository’s Settings → Webhooks → Add webhook',
      url: 'Payload URL',
      secret: 'Secret',
      contentType: 'application/json',
      events: {
        field: 'Events',
        chosen:
          'Let me select individual events: Pushes, Pull requests, Branch or tag creation, Merge groups, Releases',
      },
    },
  },
  gitea: {
    title: 'Gitea or Forgejo',
    sign: { path: '/version', body: /^\s*\{\s*"version"\s*:/, cookie: 'i_like_gitea' },
    allowPrivate: 'ALLOWED_HOST_LIST in the section [webhook] of its app.ini',
    hosts: ['gitea.com', 'codeberg.org'],
    apiPath: '/api/v1',
    requests: { folder: 'pull', sign: '#' },
    webhook: {
      settings: 'in the repository’s Settings → Webhooks → Add webhook → Gitea',
      url: 'Target URL',
      secret: 'Secret',
      contentType: 'application/json',
      events: {
        field: 'Trigger On',
        chosen:
          'Custom Events: Push, Create, Delete, Release, Pull Request, Pull Request Labeled, Pull Request Synchronized',
      },
    },
  },
  gogs: {
    title: 'Gogs',
    sign: { path: '/version', cookie: 'i_like_gogs' },
    allowPrivate: 'LOCAL_NETWORK_ALLOWLIST in the section [security] of its app.ini',
    tokenUser: 'token',
    hosts: [],
    apiPath: '/api/v1',
    requests: { folder: 'pull', sign: '#' },
    webhook: {
      settings: 'in the repository’s Settings → Webhooks → Add a new webhook → Gogs',
      url: 'Payload URL',
      secret: 'Secret',
      contentType: 'application/json',
      events: { field: 'Let me choose', chosen: 'Create, Push, Pull Request, Release' },
    },
    lacks: ['statuses', 'pull requests'],
  },
  gitlab: {
    title: 'GitLab',
    sign: { path: '/version', header: 'x-gitlab-meta' },
    allowPrivate: 'Admin → Settings → Network → Outbound requests',
    hosts: ['gitlab.com'],
    apiPath: '/api/v4',
    requests: { folder: 'merge-requests', sign: '!' },
    hasNestedGroups: true,
    webhook: {
      settings: 'in the project’s Settings → Webhooks → Add new webhook',
      url: 'URL',
      secret: 'Secret token',
      events: {
        field: 'Triggers',
        chosen: 'Push events, Tag push events, Merge request events, Releases events',
      },
      sendsSecret: true,
    },
  },
  bitbucket: {
    title: 'Bitbucket',
    tokenUser: 'x-token-auth',
    hosts: ['bitbucket.org'],
    apiUrl: 'https://api.bitbucket.org/2.0',
  },
} as const satisfies Readonly<Record<string, ForgeFacts>>

type Table = typeof FORGE_FACTS

/** The kinds of forges that receive commit statuses. */
export type ForgeKind = keyof Table

export type WebhookForge = {
  [Kind in ForgeKind]: Table[Kind] extends { readonly webhook: WebhookFacts } ? Kind : never
}[ForgeKind]

/** What a repository is registered as; `git`: any URL, polled by git alone. */
export type Forge = WebhookForge | 'git'

/** A repository as addressed by its forge's API. */
export interface ForgeTarget {
  readonly forge: ForgeKind
  /** Without a trailing slash: `https://api.github.com`. */
  readonly apiUrl: string
  readonly project: string
}

export const FORGE_KINDS = Object.keys(FORGE_FACTS) as readonly ForgeKind[]

const REQUEST_SIGNS: ReadonlyMap<string, '#' | '!'> = new Map(
  FORGE_KINDS.map((kind) => forgeFacts(kind).requests)
    .filter((requests) => requests !== undefined)
    .map(({ folder, sign }) => [folder, sign]),
)

export const FORGES: readonly Forge[] = [...FORGE_KINDS.filter(isWebhookForge), 'git']

export function hasWebhooks(forge: Forge): forge is WebhookForge {
  return forge !== 'git'
}

/** The facts of a kind, typed without its literals. */
export function forgeFacts(kind: ForgeKind): ForgeFacts {
  return FORGE_FACTS[kind]
}

export function webhookFacts(forge: WebhookForge): WebhookFacts {
  return FORGE_FACTS[forge].webhook
}

/** The kind of forge at a well-known host. */
export function forgeKindAt(host: string): ForgeKind | undefined {
  const wanted = host.toLowerCase()
  return FORGE_KINDS.find((kind) => forgeFacts(kind).hosts.includes(wanted))
}

/** What a repository at this host is registered as by default. */
export function forgeAt(host: string): Forge {
  const kind = forgeKindAt(host)
  return kind !== undefined && isWebhookForge(kind) ? kind : 'git'
}

/** The API URL of a forge whose pages are at `scheme//host`, below `root`, which is empty or like `/git`. */
export function forgeApiUrl(
  kind: ForgeKind,
  { scheme, host, root = '' }: { scheme: string; host: string; root?: string | undefined },
): string {
  const { hosts, apiUrl, apiPath } = forgeFacts(kind)
  const isElsewhere = apiPath === undefined || hosts.includes(host)
  return apiUrl !== undefined && isElsewhere ? apiUrl : `${scheme}//${host}${root}${apiPath}`
}

/** What most forges take: GitHub, GitLab and Gitea ignore the name where the password is a token. */
const USUAL_TOKEN_USER = 'x-access-token'

/** User and password with which git shows a token to a forge of this kind; undefined: the kind is unknown. */
export function tokenLogin(
  kind: ForgeKind | undefined,
  token: string,
): { readonly username: string; readonly password: string } {
  const { tokenUser = USUAL_TOKEN_USER } = kind === undefined ? {} : forgeFacts(kind)
  if (tokenUser === 'token') return { username: token, password: '' }
  return { username: tokenUser, password: token }
}

/** The path of a repository's webhook at the agent. */
export function webhookPath({ forge, id }: { forge: Forge; id: RepositoryId }): string {
  return `/webhooks/${forge}/${id}`
}

/** The refs of the heads of pull or merge requests, as patterns for `listRemote`. */
export function requestRefs(forge: Forge): string[] {
  const requests = hasWebhooks(forge) ? forgeFacts(forge).requests : undefined
  return requests ? [`refs/${requests.folder}/*/head`] : []
}

/** The pull or merge request whose head a ref is, at any forge. */
export function requestOf(
  ref: string,
): { readonly number: string; readonly sign: '#' | '!' } | undefined {
  const [, folder = '', number = ''] = /^refs\/([^/]+)\/(\d+)\/head$/.exec(ref) ?? []
  const sign = REQUEST_SIGNS.get(folder)
  return sign && { number, sign }
}

function isWebhookForge(kind: ForgeKind): kind is WebhookForge {
  return forgeFacts(kind).webhook !== undefined
}
