import { isRef } from '../../core/commit-event.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { commit, ignored, malformed, type ParsedWebhook } from '../parsed-webhook.ts'
import { named } from './parts.ts'
import type { Release } from './payloads.ts'

/** A release is published when it is created; its tag is pushed apart, if it is a new one. */
export function parseRelease(payload: Release): ParsedWebhook {
  const { action, tag, project, commit: tagged } = payload
  const from = named(project)
  if (action !== 'create') return ignored(from, `release ${firstLine(action, 50)} is not built`)
  const ref = `refs/tags/${tag}`
  if (!isRef(ref)) throw malformed('Release Hook', ['tag: is not a well-formed tag name'])
  return commit(from, {
    kind: 'release',
    ref,
    sha: tagged.id,
    title: payload.name || tag,
    author: tagged.author?.name ?? '',
    // Whoever makes a release may make tags.
    facts: { repositoryId: from.forgeId, headRepositoryId: from.forgeId },
    occurrence: `published ${payload.id}`,
    details: { actions: ['published'] },
  })
}
