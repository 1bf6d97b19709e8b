import { placeOf, shortRef } from '../../core/commit-event.ts'
import {
  FORGE_FACTS,
  FORGE_KINDS,
  FORGES,
  type Forge,
  forgeAt,
  forgeFacts,
  hasWebhooks,
  type WebhookFacts,
  webhookFacts,
} from '../../core/forges.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import type { PipelineView } from './views.ts'

/** What to enter at the forge for a repository's webhook; undefined: its forge has none that we support. */
export function webhookWords(forge: Forge): (WebhookFacts & { title: string }) | undefined {
  if (!hasWebhooks(forge)) return undefined
  return { ...webhookFacts(forge), title: FORGE_FACTS[forge].title }
}

/** What a repository can be registered as, with how its commits are detected. */
export function forgeChoices(): readonly { readonly forge: Forge; readonly words: string }[] {
  const polled = FORGE_KINDS.map(forgeFacts).filter(({ webhook }) => webhook === undefined)
  const names = [...polled.map(({ title }) => title), 'plain git']
  return FORGES.map((forge) => ({
    forge,
    words: hasWebhooks(forge)
      ? `${FORGE_FACTS[forge].title} (webhooks and polling)`
      : `${names.join(' or ')} (polling)`,
  }))
}

/** The forge according to the clone URL; `git` if it is unknown. */
export function forgeOfUrl(cloneUrl: string): Forge {
  return forgeAt(cloneHost(cloneUrl.trim()))
}

/** Where an event's commit was, for display: `main`, `v1`, `#7`, `!7`, or the commit itself. */
export function placeWords(event: Parameters<typeof placeOf>[0]): string {
  return placeOf(event)
}

/** A ref for display, of any forge: `main`, `v1`, `#7`, `!7`. */
export function refWords(ref: string): string {
  return shortRef(ref)
}

/** What every event of its kind goes through says nothing. */
const USUAL: ReadonlySet<string> = new Set([
  'opened',
  'synchronized',
  'published',
  'checks_requested',
])

/** What has happened, unless it goes without saying: `labeled`, `ready for review`. */
export function actionWords({ actions = [] }: Pick<PipelineView['event'], 'actions'>): string[] {
  return actions.filter((action) => !USUAL.has(action)).map((action) => action.replaceAll('_', ' '))
}
