import { z } from 'zod'
import { LONGEST_LABEL, MOST_LABELS, type RequestFacts } from '../core/request-facts.ts'
import { firstLine } from '../lib/hostile-text.ts'
import { present } from '../lib/present.ts'

/**
 * Facts that nothing but conditions depend on: what is missing or has another form is unknown, and the rest
 * of the payload still counts.
 */
function lenient<Value>(schema: z.ZodType<Value>): z.ZodType<Value | undefined> {
  return schema.optional().catch(undefined)
}

/** GitHub, Gitea and Forgejo, in webhooks and in their API; a milestone of null is none. */
export const requestParts = {
  labels: lenient(z.array(z.object({ name: z.string() }).transform(({ name }) => name)).nullable()),
  draft: lenient(z.boolean()),
  milestone: lenient(z.object({ title: z.string() }).nullable()),
}

/** GitLab: labels are objects in webhooks, and texts in its API. */
export const gitlabLabels = lenient(
  z.array(z.union([z.string(), z.object({ title: z.string() }).transform(({ title }) => title)])),
)
export const gitlabDraft = requestParts.draft
export const gitlabMilestone = requestParts.milestone

export interface ReportedFacts {
  /** Null: an empty list, as Go writes it. */
  readonly labels?: readonly string[] | null | undefined
  readonly draft?: boolean | undefined
  /** Null: none. */
  readonly milestone?: { readonly title: string } | null | undefined
}

/** The facts as they are stored: text that can be shown, and of bounded size. */
export function requestFacts({ labels, draft, milestone }: ReportedFacts): {
  readonly request?: RequestFacts
} {
  const names = labels === null ? [] : labels?.map((label) => firstLine(label, LONGEST_LABEL))
  const request = present({
    labels: names && names.length <= MOST_LABELS ? names : undefined,
    draft,
    milestone: milestone === null ? '' : milestone && firstLine(milestone.title, LONGEST_LABEL),
  })
  return Object.keys(request).length > 0 ? { request } : {}
}
