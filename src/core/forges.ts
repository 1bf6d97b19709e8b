import type { RepositoryId } from './ids.ts'

/** What everybody may know of a kind of forge: the command line, the page and the services read it here. */
export interface ForgeFacts {
  /** As people call it. */
  readonly title: string
  /** The hosts that everybody knows to be of this kind; others can be anything. */
  readonly hosts: readonly string[]
  /** The API of those hosts, where it is not below the host itself. */
  readonly apiUrl?: string
  /** Where the API is below a host; absent: there is `apiUrl` alone. */
  readonly apiPath?: string
  /** Its pull or merge requests: `refs/{folder}/{number}/head` is one's head. Absent: none is a ref. */
  readonly requests?: { readonly folder: string; readonly sign: '#' | '!' }
  /** Absent where its webhooks are not read. */
  readonly webhook?: WebhookFacts
}

/** Where a webhook is made at a forge, and what its fields are called there. */
export interface WebhookFacts {
  /** The page for it, with `{name}` for the repository's. */
  readonly settingsUrl?: string
  /** The way there, for people. */
  readonly settings: string
  readonly url: string
  readonly secret: string
  /** What is to be chosen, if there is a choice. */
  readonly contentType?: string
  readonly events: { readonly field: string; readonly chosen: string }
  /** The secret itself comes along instead of a signature, so the way must be encrypted. */
  readonly sendsSecret?: true
}

/** Every kind of forge, by the name that commands, the API and the store have for it. */
export const FORGE_FACTS = {
  github: {
    title: 'GitHub',
    hosts: ['github.com'],
    apiUrl: 'https://api.github.com',
    apiPath: '/api/v3',
    requests: { folder: 'pull', sign: '#' },
    webhook: {
      settingsUrl: 'https://github.com/{name}/settings/hooks/new',
      settings: 'in the repository’s Settings → Webhooks → Add webhook',
      url: 'Payload URL',
      secret: 'Secret',
      contentType: 'application/json',
      events: { field: 'Events', chosen: 'Pushes, Pull requests, Branch or tag creation' },
    },
  },
  gitea: {
    title: 'Gitea or Forgejo',
    hosts: ['gitea.com', 'codeberg.org'],
    apiPath: '/api/v1',
    requests: { folder: 'pull', sign: '#' },
    webhook: {
      settings: 'in the repository’s Settings → Webhooks → Add webhook → Gitea',
      url: 'Target URL',
      secret: 'Secret',
      contentType: 'application/json',
      events: {
        field: 'Trigger on',
        chosen: 'Push, Create, Pull request, Pull request synchronized',
      },
    },
  },
  gitlab: {
    title: 'GitLab',
    hosts: ['gitlab.com'],
    apiPath: '/api/v4',
    requests: { folder: 'merge-requests', sign: '!' },
    webhook: {
      settings: 'in the project’s Settings → Webhooks → Add new webhook',
      url: 'URL',
      secret: 'Secret token',
      events: {
        field: 'Triggers',
        chosen: 'Push events, Tag push events, Merge request events',
      },
      sendsSecret: true,
    },
  },
  bitbucket: {
    title: 'Bitbucket',
    hosts: ['bitbucket.org'],
    apiUrl: 'https://api.bitbucket.org/2.0',
  },
} as const satisfies Readonly<Record<string, ForgeFacts>>

type Table = typeof FORGE_FACTS

/** The kinds of forges that statuses are told to. */
export type ForgeKind = keyof Table

/** Those that tell of commits by webhooks. */
export type WebhookForge = {
  [Kind in ForgeKind]: Table[Kind] extends { readonly webhook: WebhookFacts } ? Kind : never
}[ForgeKind]

/** What a repository is registered as: `git` is any place that only git can ask. */
export type Forge = WebhookForge | 'git'

/** A repository at a forge, as it is asked for by the forge's API. */
export interface ForgeTarget {
  readonly forge: ForgeKind
  /** Of the forge's API, without a slash at the end: `https://api.github.com`. */
  readonly apiUrl: string
  /** The repository's path at the forge: `owner/name`. */
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

/** What is to be known of a kind, without what its literals say. */
export function forgeFacts(kind: ForgeKind): ForgeFacts {
  return FORGE_FACTS[kind]
}

/** What is to be known of a forge's webhooks. */
export function webhookFacts(forge: WebhookForge): WebhookFacts {
  return FORGE_FACTS[forge].webhook
}

/** The kind of forge at a host, where everybody knows it. */
export function forgeKindAt(host: string): ForgeKind | undefined {
  const wanted = host.toLowerCase()
  return FORGE_KINDS.find((kind) => forgeFacts(kind).hosts.includes(wanted))
}

/** What a repository at this host is registered as, unless somebody says otherwise. */
export function forgeAt(host: string): Forge {
  const kind = forgeKindAt(host)
  return kind !== undefined && isWebhookForge(kind) ? kind : 'git'
}

/** Where the API of a forge is, whose pages are at `scheme//host`. */
export function forgeApiUrl(kind: ForgeKind, scheme: string, host: string): string {
  const { hosts, apiUrl, apiPath } = forgeFacts(kind)
  const isElsewhere = apiPath === undefined || hosts.includes(host)
  return apiUrl !== undefined && isElsewhere ? apiUrl : `${scheme}//${host}${apiPath}`
}

/** Where a repository's webhooks are sent to, below the agent's address. */
export function webhookPath({ forge, id }: { forge: Forge; id: RepositoryId }): string {
  return `/webhooks/${forge}/${id}`
}

/** The refs at which a forge keeps the heads of pull or merge requests, as `git ls-remote` takes them. */
export function requestRefs(forge: Forge): string[] {
  const requests = hasWebhooks(forge) ? forgeFacts(forge).requests : undefined
  return requests ? [`refs/${requests.folder}/*/head`] : []
}

/** The pull or merge request whose head a ref is, at whatever forge. */
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
