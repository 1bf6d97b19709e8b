import { shortRef } from '../../core/commit-event.ts'
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

/** What the page says of a repository's webhook; undefined: nothing can be entered at its forge. */
export function webhookWords(forge: Forge): (WebhookFacts & { title: string }) | undefined {
  if (!hasWebhooks(forge)) return undefined
  return { ...webhookFacts(forge), title: FORGE_FACTS[forge].title }
}

/** What a repository can be registered as, and how its commits are found then. */
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

/** What the clone URL says of the forge: `git` where that is anything. */
export function forgeOfUrl(cloneUrl: string): Forge {
  return forgeAt(cloneHost(cloneUrl.trim()))
}

/** A ref as people say it, at whatever forge: `main`, `v1`, `#7`, `!7`. */
export function refWords(ref: string): string {
  return shortRef(ref)
}
